"""swrhook.yaml: read, checked, frozen.

bytes ─► document ─► expand ─► structure (sections, fields, checks) ─► build ─► values.Config
                         └───► links, rule_links, secrets ─► findings ─► BadConfiguration
"""

from swrhook.config.loader import load, parse, read_secret_file
from swrhook.config.model import Config

__all__ = ["Config", "load", "parse", "read_secret_file"]
