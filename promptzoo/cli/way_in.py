"""What `promptzoo` alone prints, and `promptzoo --version`."""

WAY_IN = """\
promptzoo {version}: prompt architectures for large frozen vision models

  promptzoo list                      what there is: recipes, blocks, sets ...
  promptzoo show lora                 all about one of them
  promptzoo check lora                who acts where, and what it costs

  promptzoo train linear              on embedded pictures, without a network
  promptzoo train lora --embedded     so can every other recipe
  promptzoo train lora data.root=DIR  on yours, DIR/{{train,test}}/CLASS/*.jpg
  promptzoo eval RUN, predict RUN PICTURE..., figure KIND RUN PICTURE...

  promptzoo compare, sweep, reproduce, report, export, merge, features, data, settings, demo
  promptzoo COMMAND -h                its options; promptzoo -h, all commands
"""

EXIT_CODES = (
    "Exit codes: 0 done; 1 done but for what is named, pictures that cannot be read; 2 a mistake, told in a sentence; "
    "130 stopped by Ctrl-C, SIGTERM or SIGHUP, with the command that goes on."
)


def version() -> str:
    """Ours, torch's and Python's; nothing is imported for it."""
    import platform
    from importlib import metadata

    from promptzoo import __version__

    return f"promptzoo {__version__} (torch {metadata.version('torch')}, Python {platform.python_version()})"


def way_in() -> str:
    from promptzoo import __version__

    return WAY_IN.format(version=__version__)
