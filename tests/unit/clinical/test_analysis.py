from __future__ import annotations

import numpy as np
import pytest

from lungai_core.clinical.analysis import analyse_study
from lungai_core.clinical.plan import AnalysisKind
from lungai_core.clinical.study import ReadTable, read_study_csv
from lungai_core.errors import PlanStateError, StudyFileError


@pytest.fixture(scope="module")
def table(made, tmp_path_factory):
    return read_study_csv(made.write_reads(tmp_path_factory.mktemp("study") / "reads.csv"))


@pytest.mark.verifies("SRS-CLIN-016", "RC-CLIN-002")
def test_every_result_says_how_it_was_made(made, table):
    analysis = analyse_study(table, file=made.locked(), library_version="1.2.3")
    assert [one.endpoint.kind for one in analysis.results] == list(AnalysisKind)
    for result in analysis.results:
        assert result.difference.method
        assert result.unit.value == "read"
        assert result.provenance.plan_sha256 == made.locked().lock.plan_sha256
        assert (result.provenance.alpha_two_sided, result.provenance.seed) == (0.05, 1)
        assert dict(result.provenance.versions).keys() == {"lungai-core", "numpy", "python", "scipy"}
        assert result.reference_cases
    counts = analysis.results[0].counts
    assert (counts.patients, counts.cases_diseased, counts.readers, counts.reads) == (20, 20, 4, 320)


@pytest.mark.verifies("SRS-CLIN-015", "SRS-CLIN-016", "RC-CLIN-002")
def test_an_analysis_without_a_locked_plan_is_refused(made, table):
    with pytest.raises(PlanStateError, match="LAI-CLIN-005"):
        analyse_study(table, file=made.plan(), library_version="1.2.3")


@pytest.mark.verifies("SRS-CLIN-016")
def test_the_same_reads_and_plan_give_the_same_result(made, table):
    assert analyse_study(table, file=made.locked(), library_version="1.2.3") == analyse_study(
        table, file=made.locked(), library_version="1.2.3"
    )


@pytest.mark.verifies("SRS-CLIN-016")
def test_superiority_stands_behind_non_inferiority(made, table):
    with_margin = (made.endpoint(margin=0.05),)
    better = analyse_study(table, file=made.locked(endpoints=with_margin), library_version="1.2.3").results[0]
    worse = analyse_study(
        table,
        file=made.locked(endpoints=with_margin, test_modality="unaided", control_modality="aided"),
        library_version="1.2.3",
    ).results[0]
    assert (better.non_inferior, better.superior) == (True, True)
    assert (worse.non_inferior, worse.superior) == (False, False)


@pytest.mark.verifies("SRS-CLIN-016", "SRS-CLIN-020")
def test_methods_stand_side_by_side_and_subgroups_follow_the_plan(made, table):
    analysis = analyse_study(table, file=made.locked(), library_version="1.2.3")
    assert len(analysis.alternatives) == 8
    assert len({round(p, 10) for _, _, p in analysis.alternatives}) > 4
    assert [(row.variable, row.level) for row in analysis.subgroups] == [("scanner", "A"), ("scanner", "B")]
    rates_only = analyse_study(
        table, file=made.locked(endpoints=(made.endpoint(AnalysisKind.SPECIFICITY),)), library_version="1.2.3"
    )
    assert (rates_only.mrmc, rates_only.alternatives, rates_only.subgroups) == (None, (), ())


@pytest.mark.verifies("SRS-CLIN-016")
def test_a_subgroup_that_the_study_lacks_is_refused(made, table):
    with pytest.raises(StudyFileError, match="vendor"):
        analyse_study(table, file=made.locked(subgroups=("vendor",)), library_version="1.2.3")


@pytest.mark.verifies("SRS-CLIN-016")
def test_rates_need_reads_in_both_modalities(made, table):
    renamed = np.where(table.modalities == "aided", np.char.add("x", table.cases), table.cases)
    apart = ReadTable(
        readers=table.readers,
        modalities=table.modalities,
        cases=renamed,
        patients=table.patients,
        truth=table.truth,
        scores=table.scores,
        groups=table.groups,
    )
    with pytest.raises(StudyFileError, match="both modalities"):
        analyse_study(
            apart, file=made.locked(endpoints=(made.endpoint(AnalysisKind.SENSITIVITY),)), library_version="1.2.3"
        )


@pytest.mark.verifies("SRS-CLIN-016")
def test_a_u_statistic_without_variance_is_refused(made, table):
    aided = table.modalities == "aided"
    same = ReadTable(
        readers=table.readers,
        modalities=table.modalities,
        cases=table.cases,
        patients=table.patients,
        truth=table.truth,
        scores=np.where(aided, table.truth * 1.0, table.truth * 1.0),
        groups=table.groups,
    )
    with pytest.raises(StudyFileError, match="not positive"):
        analyse_study(
            same, file=made.locked(endpoints=(made.endpoint(AnalysisKind.AUC_U_STATISTIC),)), library_version="1.2.3"
        )
