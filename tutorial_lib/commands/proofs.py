"""Actions of the command line: analyse and certify."""

import sys
from argparse import Namespace
from pathlib import Path

import tutorial_lib as tl
from tutorial_lib.commands.given import check_output, given, value_by_name

__all__ = ["analyse", "certificate_of", "certify"]


def analyse(options: Namespace) -> None:
    """Print what can be trusted of each output, and layer by layer with --chunk."""
    predictor = tl.load_predictor(options.model)
    if predictor.analysis is None:
        raise ValueError(
            f"'{options.model}' is a SavedModel, which does not show its layers. "
            "Analyse the `.keras` file that it was exported from, or an ONNX file of "
            "it, or measure it: "
            "`tutorial-lib certify --model …`."
        )
    analysis = predictor.analysis()
    print(analysis)
    if "chunk" in options:
        print(analysis.table(options.chunk).to_string())


def certify(options: Namespace) -> None:
    """Print the certificate, and write it with --out."""
    from tutorial_lib.rasters.files import write_text

    if "path" in options:
        check_output(options.path, [options.model])
    inputs = value_by_name(options, "input")
    certificate = tl.certify(
        options.model,
        options.output,
        tile=options.tile,
        inputs=inputs or None,
        progress=sys.stderr.isatty(),
        **given(options, "seed"),
    )
    print(certificate)
    if "path" in options:
        write_text(options.path, certificate.to_json())
        print(f"'{options.path}' is written.")


def certificate_of(path: Path) -> "tl.proof.certificate.Certificate":
    """The certificate that `certify --out` wrote."""
    from tutorial_lib.proof.certificate import Certificate

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise ValueError(
            f"'{path}' is not a certificate: it is not a text. Give the file that "
            "`tutorial-lib certify --out` wrote."
        ) from err
    except OSError as err:
        raise OSError(
            f"'{path}' cannot be read: {err.strerror}. Give the file that "
            "`tutorial-lib certify --out` wrote."
        ) from err
    return Certificate.from_json(text)
