"""The network that comes with Snellen, so that there is always something to examine, offline."""

from importlib.resources import as_file, files

from safetensors import safe_open

from snellen.nets.small_vgg import SmallVGG
from snellen.subject.load.digits import CLASS_NAMES
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

WEIGHTS = "nets/weights/digits.safetensors"


def builtin_network() -> Network:
    """A SmallVGG trained on 1,297 of scikit-learn's digits; ``digits_images("test")`` are the 500 held out.

    Normalisation, seed and held-out accuracy are read from the file's own metadata, which
    ``python -m snellen.training.digits --out FILE`` wrote. Each call builds a new module, in evaluation mode.

    >>> builtin_network().name
    'SmallVGG on digits (built in)'
    """
    with as_file(files("snellen").joinpath(WEIGHTS)) as path, safe_open(path, framework="pt") as file:
        story: dict[str, str] = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping, it has only keys()
    module = SmallVGG()
    module.load_state_dict(weights)
    return Network(
        module.eval(),
        mean=(float(story["mean"]),),
        std=(float(story["std"]),),
        class_names=CLASS_NAMES,
        preprocessing=Preprocessing(size=(32, 32), interpolation="bicubic", channels="L"),
        name="SmallVGG on digits (built in)",
        notes=(
            f"trained by {story['recipe']}, seed {story['seed']}, {story['epochs']} epochs; "
            f"{story['held_out_right']} of {story['held_out']} held-out digits right",
        ),
    )
