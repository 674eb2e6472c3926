"""Reports on versions: where they are kept, and what of a version's record goes into them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from autogen.config.project import ProjectConfig
from autogen.markup import share, table
from autogen.reports.report import Part, Report
from autogen.tasks.evaluation import Evaluation, SkillEvaluation
from autogen.versions.manifest import Manifest
from autogen.versions.registry import Versions

REPORTS_FOLDER = "reports"


def report_folder(state: Path, evaluation: Evaluation) -> Path:
    """`reports/0007`, or `reports/0007-new.csv` for rows of a file. Beside the versions, not in them: these
    are sealed, and a report can be made anew, with other rows, and holds texts that need not travel with a model."""
    if not evaluation.data:
        return state / REPORTS_FOLDER / evaluation.version
    name = re.sub(r"[^\w.-]+", "-", Path(evaluation.data).name)[:100]
    which = hashlib.sha256(str(Path(evaluation.data).resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return state / REPORTS_FOLDER / f"{evaluation.version}-{name}-{which}"


def report_on(evaluation: Evaluation, manifest: Manifest) -> Report:
    facts = {
        "made": f"{manifest.created_at} by {manifest.made_by}",
        "base model": str(manifest.config.get("agent", {}).get("base_model", manifest.agent)),
        "went on from": manifest.parent or "nothing: it is the first",
    }
    parts = [_part(name, found, manifest, evaluation.data) for name, found in evaluation.skills.items()]
    return Report(f"{manifest.agent}, version {manifest.version}", facts, parts, manifest.verdict)


def _part(name: str, found: SkillEvaluation, manifest: Manifest, data: str | None) -> Part:
    record = next(iter(manifest.skills[name].models.values()))
    rows = {"rows learnt from": record.train_rows, "held-out rows": record.held_out_rows}
    return Part(
        name=name,
        source=found.source,
        metrics=found.metrics,
        intervals=found.intervals,
        per_label=found.per_label,
        warnings=found.warnings,
        answers=found.answers,
        training={**record.training, **rows},
        calibrated_on=data is None and not record.cross_validated,
        baselines=found.baselines,
    )


def project_table(config: ProjectConfig, versions: Versions) -> str:
    """A project's versions with the metrics that matter most, for a notebook."""
    champion = versions.alias().champion
    rows = [
        (
            f"{one.version} (champion)" if one.version == champion else one.version,
            one.made_by,
            _verdict(one),
            *_main(one),
        )
        for one in versions.all()
    ]
    columns = ("version", "made by", "gate", "accuracy", "in_scope_accuracy", "oos_recall")
    return table(columns, rows, f"{config.agent.name}: {', '.join(config.skills)}", right=(3, 4, 5))


def _verdict(manifest: Manifest) -> str:
    return "the first" if manifest.verdict is None else "passed" if manifest.passed else "failed"


def _main(manifest: Manifest) -> list[str]:
    found = [record.metrics for record in manifest.skills.values()]
    names = ("accuracy", "in_scope_accuracy", "oos_recall")
    return [", ".join(share(metrics[name]) for metrics in found if name in metrics) for name in names]
