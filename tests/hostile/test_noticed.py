"""Kind 7: a library's noise is silent, and what says that numbers will be wrong is not."""

import logging
import subprocess
import sys
import warnings

import open_clip
import pytest

from promptzoo.backbones.from_open_clip import open_open_clip
from promptzoo.errors import ZooError
from promptzoo.noticed import noticing
from promptzoo.recipe.towers import open_towers


def by_root(said: str) -> logging.LogRecord:
    """As open_clip logs, which has no logger of its own."""
    return logging.LogRecord("root", logging.WARNING, open_clip.factory.__file__, 1, said, None, None)


def test_what_matters_is_kept_once_and_the_rest_is_silent(capfd):
    with noticing() as noticed:
        for _ in range(3):
            warnings.warn("QuickGELU mismatch between config and tag", stacklevel=1)
        warnings.warn("this function is deprecated", DeprecationWarning, stacklevel=1)
        logging.getLogger("timm").warning("Missing keys (3) in the checkpoint")
        logging.getLogger().handle(by_root("No pretrained weights loaded, random initialised"))
        logging.getLogger("timm").info("Missing keys, says somebody who chats")
    assert noticed == ["QuickGELU mismatch between config and tag", "Missing keys (3) in the checkpoint"]
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_library_that_prints_by_a_handler_of_its_own_is_as_silent(capfd):
    logger, handler = logging.getLogger("timm.models"), logging.StreamHandler()
    logger.addHandler(handler)
    try:
        with noticing() as noticed:
            logger.warning("No CUDA runtime is found")
            logger.warning("values were truncated")
        assert noticed == ["values were truncated"]
        assert logger.handlers == [handler]
    finally:
        logger.removeHandler(handler)
    assert capfd.readouterr().err == ""


def test_what_others_log_goes_where_it_went(capfd):
    heard: list[str] = []

    class Mine(logging.Handler):
        def emit(self, record):
            heard.append(record.getMessage())

    mine, first, late = logging.getLogger("my.server"), Mine(), Mine()
    mine.addHandler(first)
    try:
        with noticing() as noticed:
            mine.error("values were truncated")
            mine.info("of no handler's level")
            logging.getLogger("my.server.part").warning("a part")
            mine.addHandler(late)
        assert (heard, noticed) == (["values were truncated", "a part"], [])
        assert mine.handlers == [first, late]
        mine.error("after it")
        assert heard == ["values were truncated", "a part", "after it", "after it"]
        mine.removeHandler(late)
        logging.disable(logging.WARNING)
        with noticing():
            mine.warning("disabled before")
            mine.error("not disabled")
        assert heard[4:] == ["not disabled"]
    finally:
        logging.disable(logging.NOTSET)
        mine.handlers = []
    assert capfd.readouterr().err == ""


def test_what_has_no_handler_is_printed_as_python_does():
    code = (
        "import logging; from promptzoo.noticed import noticing\n"
        "with noticing():\n"
        "    logging.getLogger('mine').warning('one'); logging.getLogger('timm').warning('two'); logging.info('3')\n"
        "logging.getLogger('mine').warning('four')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stderr.split() == ["one", "four"]


def test_a_backbone_keeps_what_its_library_warned_of(monkeypatch):
    assert open_towers("promptzoo/zoo_tiny", "shipped").remarks == ()
    real = open_clip.CLIP

    def warns(**words):
        warnings.warn("falling back to another activation", stacklevel=1)
        return real(**words)

    monkeypatch.setattr(open_clip, "CLIP", warns)
    (remark,) = open_towers("promptzoo/zoo_tiny", "shipped").remarks
    assert "falling back" in remark


@pytest.mark.parametrize(("name", "other"), [("ViT-B-32", "ViT-B-32-quickgelu"), ("ViT-B-16", "ViT-B-16-quickgelu")])
def test_weights_of_another_activation_are_refused_before_they_are_fetched(name, other):
    with pytest.raises(ZooError) as caught:
        open_open_clip(name, "openai", None, {})
    assert (caught.value.given, other in caught.value.remedy) == (name, True)
