"""Networks that ``snellen train`` wrote, as any other network."""

from pathlib import Path

from torch import nn

from snellen._errors import NetworkError
from snellen.nets.saved import Saved, read_saved
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing


def saved_network(path: Path) -> Network:
    """The network in a file of ``snellen train``, with what it was fed and what its outputs are called.

    A de-shuffler becomes a network of whole images: it is given an image, or a puzzle, as one picture, cuts it
    itself, and has one output an arrangement.

    Raises:
        NetworkError: a file that is none of ours, or is damaged.
    """
    saved = read_saved(path)
    if saved.task in ("generate", "discriminate"):
        raise NetworkError(f"{path} was trained to {saved.task} and gives no classes; see 'snellen generate --help'")
    if saved.task == "detect":
        raise NetworkError(f"{path} is a detector: it gives boxes and no classes; use 'snellen detect'")
    try:
        side = saved.about.get("side")
        size = None if side is None else (int(side[0]), int(side[1]))
        resize, sampling = saved.about.get("resize"), str(saved.about.get("interpolation", "bilinear"))
        module, names = _as_classifier(saved)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NetworkError(f"{path} does not say all that its use needs ({error!r}); train it again") from error
    story = saved.story
    return Network(
        module,
        mean=saved.mean,
        std=saved.std,
        class_names=names,
        preprocessing=Preprocessing(size=size, resize=resize, interpolation=sampling),
        name=f"{path.name} ({saved.kind}, trained to {saved.task})",
        notes=(f"trained by {story.get('recipe', 'an unknown recipe')} on {story.get('images', 'unknown')} images",),
    )


def _as_classifier(saved: Saved) -> tuple[nn.Module, tuple[str, ...] | None]:
    if saved.task == "deshuffle":
        from snellen.puzzles.arranger import arranger_of

        arranger = arranger_of(saved)
        if not arranger.grid.countable:
            return arranger, None
        return arranger, tuple(" ".join(map(str, order)) for order in arranger.grid.arrangements.tolist())
    names = saved.about.get("class_names")
    return saved.module, None if names is None else tuple(map(str, names))
