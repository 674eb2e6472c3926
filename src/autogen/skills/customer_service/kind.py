"""The kind of skill `customer-service`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogen.config.settings import CONFIG_NAME, RESERVED_LABEL
from autogen.data.problems import Problem, shown
from autogen.errors import DataError, did_you_mean
from autogen.skills.customer_service.answering import INTENT, CustomerService
from autogen.skills.customer_service.responses import read_responses
from autogen.skills.customer_service.settings import CustomerServiceSettings, SavedCustomerServiceSettings
from autogen.skills.kind import StartingPoint
from autogen.tasks.task import Fields, Need, TaskData
from autogen.tasks.text_classification.settings import ClassificationOptions


class CustomerServiceKind:
    name = "customer-service"
    settings = CustomerServiceSettings
    predicts = Fields(("text",), ("text_pair",))
    wording = frozenset({"responses", "clarify_text", "decline_text"})
    answers_with = "text-classification"
    commands = "autogen.skills.customer_service.commands:add"
    routes = ""
    starting_points = (StartingPoint(("text", "label"), "train"),)

    def needs(self, settings: CustomerServiceSettings, base_model: str) -> tuple[Need, ...]:
        return (
            Need(
                name=INTENT,
                task="text-classification",
                base_model=settings.base_model or base_model,
                sources={
                    "train": tuple(settings.train),
                    "eval": tuple(settings.eval or ()),
                    "unlabelled": tuple(settings.unlabelled or ()),
                },
                columns=settings.columns,
                training=settings.training_of(INTENT),
                options=ClassificationOptions(
                    rejection_loss=settings.rejection_loss, outliers=settings.outliers, oos_labels=settings.oos_labels
                ),
                join_names=settings.join_names,
            ),
        )

    def keeps(self, settings: CustomerServiceSettings, project: Path) -> dict[str, Any]:
        responses = read_responses(project / settings.responses) if settings.responses else {}
        values = settings.model_dump(include=set(SavedCustomerServiceSettings.model_fields) - {"responses"})
        return SavedCustomerServiceSettings(responses=responses, **values).model_dump()

    def bare(self, task: str) -> CustomerServiceSettings:  # noqa: ARG002 it knows the one
        return CustomerServiceSettings(type="customer-service", train=["train_data"])

    def check(self, settings: CustomerServiceSettings, project: Path, data: Mapping[str, TaskData]) -> list[Problem]:
        labels = {label for need_data in data.values() for label in need_data.identity().outputs}
        return [*_without_effect(settings), *_check_responses(settings, project, labels)]

    def require(self, settings: CustomerServiceSettings, data: Mapping[str, TaskData]) -> None:
        """Nothing."""

    def build(
        self,
        settings: CustomerServiceSettings,  # noqa: ARG002 as every kind is asked
        models: Mapping[str, Path],  # noqa: ARG002
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> dict[str, Any]:
        return {}

    def ready(self, record: Mapping[str, Any], models: Mapping[str, Any]) -> CustomerService:
        settings = SavedCustomerServiceSettings.model_validate(dict(record))
        model = models[INTENT]
        if settings.threshold is not None:
            model = model.with_task(model.task.by_largest_logit(settings.threshold))
        return CustomerService(model, settings)


def _check_responses(settings: CustomerServiceSettings, project: Path, labels: set[str]) -> list[Problem]:
    if settings.responses is None:
        return []
    source, known = settings.responses, labels - {RESERVED_LABEL}
    try:
        responses = read_responses(project / source)
    except DataError as error:
        return [Problem("error", "responses", source, None, str(error), "mend the file")]
    problems = [
        _warning(
            source,
            f"a response for {shown(name)}, which no training row has",
            f"check its name.{did_you_mean(name, known)}",
        )
        for name in responses
        if name not in known
    ]
    missing = sorted(known - set(responses))
    if missing:
        names = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        fix = "write one; until then the agent names the intent"
        problems.append(_warning(source, f"expected a response for every intent, found none for {names}", fix))
    return problems


def _without_effect(settings: CustomerServiceSettings) -> list[Problem]:
    """Settings that would do nothing."""
    if "{choices}" in settings.clarify_text:
        return []
    message = f"expected {{choices}} in clarify_text, found {settings.clarify_text!r}"
    return [_warning(CONFIG_NAME, message, "put {choices} where the intents to choose from belong")]


def _warning(source: str, message: str, fix: str) -> Problem:
    return Problem("warning", "responses", source, None, message, fix)
