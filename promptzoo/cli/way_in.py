"""What `promptzoo` alone prints, and `promptzoo --version`."""

WAY_IN = """\
promptzoo {version}: prompt architectures for large frozen vision models

  promptzoo list                      recipes, blocks, data sets ...
  promptzoo show lora                 everything about one of them
  promptzoo check lora                where it acts, and what it costs

  promptzoo train linear              on embedded pictures, no downloads
  promptzoo train lora --embedded     the same for any recipe for a ViT
  promptzoo train lora data.root=DIR  on your own, DIR/{{train,test}}/CLASS/*.jpg
  promptzoo eval RUN, predict RUN PICTURE..., figure KIND RUN PICTURE...

  promptzoo compare, sweep, reproduce, report, features, data, settings, demo
  promptzoo export RUN, share RUN, merge RUN
  promptzoo COMMAND -h                its options; promptzoo -h: all commands
"""

EXIT_CODES = (
    "Exit codes: 0 done; 1 done except for what is named, such as unreadable pictures; 2 an error, with a message that "
    "says what to do; 130 stopped by Ctrl-C, SIGTERM or SIGHUP, with the command to continue."
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
