"""Pictures of queries with their nearest neighbours."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from snellen.checks._pictures import picture
from snellen.findings.evidence import Gallery, Tile
from snellen.instruments.probes.probe import Row
from snellen.instruments.probes.sample import Sample


def similar_images(
    queries: Sample, points: Sample, rows: Sequence[Row], chosen: Sequence[int], name: Callable[[int], str]
) -> Gallery:
    """A tile a query and kind of features: the query and its neighbours, nearest first.

    Args:
        queries: what was asked about.
        points: what the neighbours are taken from.
        rows: whose neighbours, in this order for every query.
        chosen: which queries.
        name: of a class; of -1, nothing.
    """
    wanted = sorted({int(i) for row in rows for q in chosen for i in row.neighbours[q]})
    place = {point: i for i, point in enumerate(wanted)}
    there = _pixels(points, wanted)
    here = _pixels(queries, chosen)
    tiles = []
    for i, q in enumerate(chosen):
        for row in rows:
            found = [int(n) for n in row.neighbours[q]]
            label, answer = int(queries.labels[q]), int(row.answers[q])
            pictures = [picture("query", here[i])]
            pictures += [
                picture(f"{number}: {name(int(points.labels[n]))}".removesuffix(": "), there[place[n]])
                for number, n in enumerate(found, start=1)
            ]
            index = int(queries.rows[q])
            tiles.append(
                Tile(
                    f"true: {name(label)}" if label >= 0 else queries.images.source.name(index),
                    tuple(pictures),
                    image=index,
                    lines=((f"{_where(row)}: {name(answer)}" if label >= 0 else _where(row)),),
                    mark="none" if label < 0 else "right" if bool(row.correct[0, q]) else "wrong",
                )
            )
    return Gallery(
        "Most similar images",
        tuple(tiles),
        note=f"Each card is a query and its {rows[0].neighbours.shape[1]} nearest images, nearest first, "
        "with their classes; below, in which features, and what they vote.",
    )


def _where(row: Row) -> str:
    metric = {"l2": "L2"}.get(row.metric, row.metric)
    return f"{row.features}{f' at {row.tap}' if row.tap else ''}, {metric}"


def _pixels(sample: Sample, chosen: Sequence[int]) -> Tensor:
    rows = sample.rows[torch.tensor(list(chosen), dtype=torch.int64)]
    return sample.images.pixels(sample.preprocessing, indices=rows.tolist())
