"""The packaged OpenAPI document says what the code does: a difference means that `aiops openapi` was not run."""

from click.testing import CliRunner

from aiops.app import contract_file
from aiops.cli.serve import openapi


def test_the_packaged_contract_is_current() -> None:
    printed = CliRunner().invoke(openapi)
    assert printed.exit_code == 0, printed.output
    assert printed.stdout == contract_file().read_text(), "run: aiops openapi > src/aiops/openapi.json"
