"""``snellen train TASK``: one command a task; killed and given again, it goes on where it was."""

import typer

from snellen.cli import classify, pretexts, train_detect, train_gan

app = typer.Typer(
    name="train",
    help="Train a network; the same command again goes on where a killed one stopped, bit for bit.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("classify")(classify.classify)
app.command("detect")(train_detect.detect)
app.command("gan")(train_gan.gan)
app.command("deshuffle")(pretexts.deshuffle)
app.command("rotate")(pretexts.rotate)
