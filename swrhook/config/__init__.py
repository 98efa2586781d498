"""swrhook.yaml: read it, check it, and build frozen values from it.

bytes -> yaml_document -> interpolation -> schema (sections, fields, validators) -> build -> Config
                               |
                               +-> cross_checks, rule_lint, interpolation -> diagnostics

Every mistake of a file ends up in one BadConfiguration.
"""

from swrhook.config.loader import load, parse, read_secret_file
from swrhook.config.model import Config

__all__ = ["Config", "load", "parse", "read_secret_file"]
