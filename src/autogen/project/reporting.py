"""Reports on versions: where they are kept, and what of a version's record goes into them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from autogen.config.project import ProjectConfig
from autogen.markup import share, table
from autogen.plugins import tasks
from autogen.project.evaluation import VersionEvaluation
from autogen.project.needs import needs_of
from autogen.reports.report import Report, ReportSection
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.reporting import part_of
from autogen.versions.manifest import Manifest, ModelRecord
from autogen.versions.registry import Versions

REPORTS_FOLDER = "reports"
MOST_COLUMNS = 3  # metrics of a need in the table of versions


def report_folder(state: Path, evaluation: VersionEvaluation) -> Path:
    """`reports/0007`, or `reports/0007-new.csv` for rows of a file. Beside the versions, not in them: these
    are sealed, and a report can be made anew, with other rows, and holds texts that need not travel with a model."""
    if not evaluation.data:
        return state / REPORTS_FOLDER / evaluation.version
    name = re.sub(r"[^\w.-]+", "-", Path(evaluation.data).name)[:100]
    which = hashlib.sha256(str(Path(evaluation.data).resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return state / REPORTS_FOLDER / f"{evaluation.version}-{name}-{which}"


def report_on(evaluation: VersionEvaluation, manifest: Manifest) -> Report:
    facts = {
        "made": f"{manifest.created_at} by {manifest.made_by}",
        "base model": ", ".join(_base_models(manifest)),
        "went on from": manifest.parent or "nothing: it is the first",
    }
    parts = [
        _part(
            skill if len(skill_evaluation.needs) == 1 else f"{skill}/{need}",
            need_evaluation,
            manifest.skills[skill].models[need],
        )
        for skill, skill_evaluation in evaluation.skills.items()
        for need, need_evaluation in skill_evaluation.needs.items()
    ]
    return Report(f"{manifest.agent}, version {manifest.version}", facts, parts, manifest.verdict)


def _base_models(manifest: Manifest) -> list[str]:
    """The agent's, or those of skills that name their own."""
    agents = manifest.config.get("agent", {}).get("base_model", manifest.agent)
    skills = manifest.config.get("skills", {}).values()
    return list(dict.fromkeys(str(skill.get("base_model") or agents) for skill in skills)) or [str(agents)]


def _part(name: str, evaluation: Evaluation, record: ModelRecord) -> ReportSection:
    rows = {"rows learnt from": record.train_rows, "held-out rows": record.held_out_rows}
    return part_of(tasks()[record.task], name, evaluation, {**record.training, **rows})


def project_table(config: ProjectConfig, versions: Versions) -> str:
    """A project's versions with the metrics that matter most, for a notebook."""
    champion, columns = versions.alias().champion, _columns(config)
    rows = [
        (
            f"{manifest.version} (champion)" if manifest.version == champion else manifest.version,
            manifest.made_by,
            _verdict(manifest),
            *_main_metrics(manifest, columns),
        )
        for manifest in versions.all()
    ]
    title = f"{config.agent.name}: {', '.join(config.skills)}"
    figures = tuple(range(3, 3 + len(columns)))
    return table(("version", "made by", "gate", *columns), rows, title, right=figures)


def _columns(config: ProjectConfig) -> list[str]:
    """The first metrics of each need's task."""
    main = (need.task.metrics[:MOST_COLUMNS] for need in needs_of(config))
    return list(dict.fromkeys(name for names in main for name in names))


def _verdict(manifest: Manifest) -> str:
    return "the first" if manifest.verdict is None else "passed" if manifest.passed else "failed"


def _main_metrics(manifest: Manifest, names: Sequence[str]) -> list[str]:
    metrics_of_models = [model.metrics for record in manifest.skills.values() for model in record.models.values()]
    return [", ".join(share(metrics[name]) for metrics in metrics_of_models if name in metrics) for name in names]
