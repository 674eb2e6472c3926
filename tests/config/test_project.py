from __future__ import annotations

from pathlib import Path

import pytest

from autogen.config.project import GateSettings, ProjectConfig, flatten_settings, load_config, load_feedback_settings
from autogen.config.training import TrainingSettings
from autogen.errors import ConfigError, ProjectNotFound
from autogen.plugins import skill_settings
from autogen.skills.customer_service.settings import CustomerServiceSettings

AGENT = '[agent]\nname = "bank"\n'
SKILL = '[skills.support]\ntype = "customer-service"\ntrain = "data/train.csv"\n'


def load(tmp_path: Path, text: str) -> ProjectConfig:
    (tmp_path / "agent.toml").write_text(text, "utf-8")
    return load_config(tmp_path, skill_settings())


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    return str(raised.value)


def support(config: ProjectConfig) -> CustomerServiceSettings:
    skill = config.skills["support"]
    assert isinstance(skill, CustomerServiceSettings)
    return skill


def test_two_sections_are_enough_and_the_rest_has_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, AGENT + SKILL)
    assert (config.agent.name, config.agent.base_model) == ("bank", "minilm")
    assert support(config).training == TrainingSettings()
    assert config.gate == GateSettings()


def test_every_section_is_read(tmp_path: Path) -> None:
    text = (
        AGENT
        + 'base_model = "./bert"\n'
        + SKILL
        + 'eval = "e.csv"\ncolumns = {text = "utterance"}\nclarify_margin = 0.3\n'
        + '[skills.support.training]\nmethod = "head"\nlearning_rate = 1e-3\nepochs = 2\n'
        + '[gate]\nmargin = 0.01\nprotected = "data/protected.csv"\n'
    )
    config = load(tmp_path, text)
    assert config.agent.base_model == "./bert"
    assert support(config).columns == {"text": "utterance"} and support(config).clarify_margin == 0.3
    training = support(config).training
    assert (training.method, training.learning_rate, training.epochs) == ("head", 1e-3, 2)
    assert (config.gate.margin, config.gate.protected) == (0.01, ["data/protected.csv"])


def test_sources_are_one_path_or_a_list_of_them(tmp_path: Path) -> None:
    assert support(load(tmp_path, AGENT + SKILL)).train == ["data/train.csv"]
    several = AGENT + SKILL.replace('"data/train.csv"', '["a.csv", "b.jsonl"]')
    assert support(load(tmp_path, several)).train == ["a.csv", "b.jsonl"]
    assert "`train`" in refusal(tmp_path, AGENT + SKILL.replace('"data/train.csv"', "[]"))
    assert "`train.1`" in refusal(tmp_path, AGENT + SKILL.replace('"data/train.csv"', '["a.csv", 3]'))


@pytest.mark.parametrize(
    ("text", "where", "key", "nearest"),
    [
        ('[agent]\nname = "b"\nbase_modle = "x"\n' + SKILL, "agent.toml", "agent.base_modle", "base_model"),
        (AGENT + SKILL + "[gate]\nmarign = 0.1\n", "agent.toml", "gate.marign", "margin"),
        (AGENT + SKILL + "[gat]\nmargin = 0.1\n", "agent.toml", "gat", "gate"),
        (AGENT + SKILL + 'respones = "r.toml"\n', "[skills.support]", "respones", "responses"),
        (
            AGENT + SKILL + "[skills.support.training]\nlerning_rate = 1\n",
            "[skills.support]",
            "training.lerning_rate",
            "learning_rate",
        ),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest_right_one(
    tmp_path: Path, text: str, where: str, key: str, nearest: str
) -> None:
    message = refusal(tmp_path, text)
    assert where in message and f"unknown key `{key}`" in message and f'Did you mean "{nearest}"?' in message


def test_every_wrong_key_of_a_section_is_named_at_once(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, AGENT + SKILL + '[skills.support.training]\nepoch = 3\nseeed = 1\nlearning_rate = "fast"\n'
    )
    assert len(message.splitlines()) == 3
    assert 'Did you mean "epochs"?' in message and 'Did you mean "seed"?' in message and "found 'fast'" in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('learning_rate = "fast"', "'fast'"),
        ("learning_rate = 0", "0"),
        ("learning_rate = nan", "nan"),
        ("epochs = 2.5", "2.5"),
        ("epochs = 0", "0"),
        ("epochs = [1]", "[1]"),
        ('method = "lorra"', "'lorra'"),
        ("label_smoothing = 1.0", "1.0"),
        ("seed = -1", "-1"),
        ("max_length = 2", "2"),
        ('int8 = "perhaps"', "'perhaps'"),
        ('precision = "fp64"', "'fp64'"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_was_expected_and_found(
    tmp_path: Path, line: str, words: str
) -> None:
    message = refusal(tmp_path, AGENT + SKILL + f"[skills.support.training]\n{line}\n")
    assert f"`training.{line.split()[0]}`" in message and message.endswith(f"found {words}.")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "`agent`" in refusal(tmp_path, SKILL)
    assert "`agent.name` is missing" in refusal(tmp_path, "[agent]\n" + SKILL)
    assert "`skills`" in refusal(tmp_path, AGENT)
    assert "at least one [skills.NAME]" in refusal(tmp_path, AGENT + "[skills]\n")
    assert "`train` is missing" in refusal(tmp_path, AGENT + '[skills.support]\ntype = "customer-service"\n')


def test_an_unknown_type_of_skill_is_named_with_the_nearest_right_one(tmp_path: Path) -> None:
    message = refusal(tmp_path, AGENT + SKILL.replace("customer-service", "costumer-service"))
    assert "costumer-service" in message and 'Did you mean "customer-service"?' in message
    assert "customer-service" in refusal(tmp_path, AGENT + '[skills.support]\ntrain = "a.csv"\n')


def test_the_name_of_a_skill_is_a_plain_word(tmp_path: Path) -> None:
    for name in ("a/b", "..", "a b", ""):
        message = refusal(tmp_path, AGENT + SKILL.replace("skills.support", f'skills."{name}"'))
        assert "letters, digits, - and _" in message


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound, match="autogen init"):
        load_config(tmp_path, skill_settings())


def test_a_file_that_is_no_toml_or_no_text_is_named_with_the_place(tmp_path: Path) -> None:
    assert "line 2" in refusal(tmp_path, "[agent]\nname = bank\n")
    (tmp_path / "agent.toml").write_bytes(b'[agent]\nname = "caf\xe9"\n')
    with pytest.raises(ConfigError, match=r"found byte 0xE9 \(byte 19\)"):
        load_config(tmp_path, skill_settings())


def test_assignments_are_checked_as_the_file_is() -> None:
    settings = TrainingSettings()
    settings.epochs = 3
    settings.learning_rate = None
    assert settings.epochs == 3
    with pytest.raises(ConfigError, match=r"`epochs`.*found 0"):
        settings.epochs = 0
    with pytest.raises(ConfigError, match="`method`"):
        setattr(settings, "method", "lorra")  # noqa: B010 mypy would not let it pass
    assert (settings.epochs, settings.method) == (3, "full")


def test_an_assignment_to_a_misspelt_setting_names_the_nearest_right_one() -> None:
    with pytest.raises(ConfigError, match=r'unknown key `lerning_rate`\. Did you mean "learning_rate"'):
        setattr(TrainingSettings(), "lerning_rate", 1e-3)  # noqa: B010


def test_settings_inside_settings_have_dotted_names() -> None:
    assert flatten_settings({"a": 1, "b": {"c": 2, "d": None}}) == {"a": 1, "b.c": 2}


def test_a_misspelt_field_of_columns_is_an_error_that_names_the_right_one(tmp_path: Path) -> None:
    message = refusal(tmp_path, AGENT + SKILL + 'columns = {txt = "utterance"}\n')
    assert "[skills.support]" in message and "`txt`" in message and 'Did you mean "text"?' in message


@pytest.mark.parametrize(("value", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), (45, 45)])
def test_a_time_limit_is_written_with_its_unit_or_in_seconds(value: object, seconds: float) -> None:
    assert TrainingSettings.model_validate({"time_limit": value}).time_limit == seconds


def test_a_time_limit_that_is_no_time_is_explained() -> None:
    with pytest.raises(ConfigError, match='such as "90s", "10m" or "2h"'):
        TrainingSettings().time_limit = "soon"  # type: ignore[assignment]


def test_a_mark_at_the_file_s_beginning_is_no_part_of_it(untrained: Path) -> None:
    file = untrained / "agent.toml"
    config = load_config(untrained, skill_settings())
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_config(untrained, skill_settings()) == config


def test_strangers_are_reviewed_unless_the_project_says_otherwise(tmp_path: Path) -> None:
    config = load(tmp_path, AGENT + SKILL)
    assert config.feedback.learn_from == "reviewed"
    everyone = load(tmp_path, AGENT + SKILL + '[feedback]\nlearn_from = "everyone"\n[server]\nconfidence = "off"\n')
    assert (everyone.feedback.learn_from, everyone.server.confidence) == ("everyone", "off")
    assert "`feedback.learn_from`" in refusal(tmp_path, AGENT + SKILL + '[feedback]\nlearn_from = "anybody"\n')


def test_confidence_is_rounded_by_default_where_it_decides_what_is_learnt(tmp_path: Path) -> None:
    server = load(tmp_path, AGENT + SKILL).server
    assert [server.confidence_where(whose) for whose in ("reviewed", "everyone")] == ["exact", "rounded"]
    exact = load(tmp_path, AGENT + SKILL + '[server]\nconfidence = "exact"\n').server
    assert exact.confidence_where("everyone") == "exact"


def test_whose_feedback_is_learnt_is_read_by_itself_where_there_is_a_file(tmp_path: Path) -> None:
    assert load_feedback_settings(tmp_path).learn_from == "reviewed"
    (tmp_path / "agent.toml").write_text(AGENT + SKILL + '[feedback]\nlearn_from = "owner"\n', "utf-8")
    assert load_feedback_settings(tmp_path).learn_from == "owner"
    (tmp_path / "agent.toml").write_text('[feedback]\nlearn_from = "nobody"\n', "utf-8")
    with pytest.raises(ConfigError, match="learn_from"):
        load_feedback_settings(tmp_path)
