"""Every reference case of the statistics recomputed: rows of (quantity, ours, expected).

Run as a script it prints the whole table with differences: ``python tests/support/statistics_reference.py``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lungai_core.annotation import consensus, grading, lung_rads, measure
from lungai_core.clinical import (
    agreement,
    bland_altman,
    calibration,
    clustered,
    diagnostic,
    differences,
    froc,
    icc,
    jafroc,
    krippendorff,
    monitoring,
    mrmc,
    mrmc_covariance,
    mrmc_ustat,
    paired,
    partial_auc,
    predictive,
    proportions,
    risk_models,
    roc,
    roc_binormal,
    sample_size,
    sample_size_mrmc,
    segmentation,
)

VECTORS = Path(__file__).resolve().parents[2] / "verification" / "vectors" / "statistics"
Rows = Iterator[tuple[str, float, float]]


def _limits(name, interval, expected) -> Rows:
    yield f"{name} lower", interval.lower, expected["lower"]
    yield f"{name} upper", interval.upper, expected["upper"]


def proportion_ci(inputs, expected) -> Rows:
    count = proportions.Count(successes=inputs["successes"], n=inputs["n"])
    for method in proportions.ProportionMethod:
        interval = proportions.proportion_interval(count, method=method)
        yield from _limits(method.name.lower(), interval, expected[method.name.lower()])
        yield "estimate", interval.estimate, expected["estimate"]


def unpaired_difference_ci(inputs, expected) -> Rows:
    test = proportions.Count(successes=inputs["x1"], n=inputs["n1"])
    control = proportions.Count(successes=inputs["x2"], n=inputs["n2"])
    names = {"NEWCOMBE": "newcombe_hybrid_score"}
    for method in differences.DifferenceMethod:
        name = names.get(method.name, method.name.lower())
        yield from _limits(name, differences.difference_interval(test, control, method=method), expected[name])


def _paired(table):
    keys = ("both", "only_first", "only_second", "neither")
    other = ("both", "only_test1", "only_test2", "neither")
    return paired.PairedTable(**{key: table.get(key, table.get(alias)) for key, alias in zip(keys, other, strict=True)})


def paired_difference(inputs, expected) -> Rows:
    table = _paired(inputs)
    for method in paired.PairedMethod:
        name = {"NEWCOMBE": "newcombe10"}.get(method.name, method.name.lower())
        yield from _limits(name, paired.paired_interval(table, method=method), expected[name])
    names = {"ASYMPTOTIC": "p", "CONTINUITY": "p_cc", "EXACT": "p_exact", "MID_P": "p_midp"}
    for method in paired.McNemarMethod:
        test = paired.mcnemar_test(table, method=method)
        yield f"mcnemar {names[method.name]}", test.p_value, expected["mcnemar"][names[method.name]]
    for margin in (0.05, 0.1):
        test = paired.paired_non_inferiority_test(table, margin=margin)
        wanted = expected[f"noninferiority_margin_{margin}"]
        yield f"tango z at {margin}", test.statistic, wanted["z_tango"]
        yield f"tango p at {margin}", test.p_value, wanted["p_one_sided"]


def paired_diagnostic(inputs, expected) -> Rows:
    diseased, healthy = _paired(inputs["diseased"]), _paired(inputs["non_diseased"])
    mcnemar = paired.mcnemar_test(diseased, method=paired.McNemarMethod.ASYMPTOTIC)
    yield "mcnemar sensitivity", mcnemar.statistic, expected["mcnemar_sens"]["stat"]
    tango = paired.paired_interval(diseased)
    yield "tango sensitivity", -tango.upper, expected["tango_sens_ci_t2_minus_t1"][0]
    for name, compare in (("ppv", predictive.compare_ppv), ("npv", predictive.compare_npv)):
        result = compare(diseased, healthy)
        yield f"{name} generalised", result.generalised_score.statistic, expected[f"{name}_gs"]["stat"]
        yield f"{name} generalised p", result.generalised_score.p_value, expected[f"{name}_gs"]["p"]
        yield f"{name} weighted", result.weighted_score.statistic, expected[f"{name}_wgs"]["stat"]
        yield f"{name} ratio", result.values.relative, expected[f"rel_{name}"]


def diagnostic_2x2(inputs, expected) -> Rows:
    table = diagnostic.TwoByTwo(**{key: inputs[key] for key in ("tp", "fp", "fn", "tn")})
    result = diagnostic.diagnostic_accuracy(table)
    names = {"lr_pos": "lr_positive", "lr_neg": "lr_negative", "dor": "diagnostic_odds_ratio"}
    for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "lr_pos", "lr_neg", "dor"):
        interval = getattr(result, names.get(name, name))
        yield name, interval.estimate, expected[name]["est"]
        yield from _limits(name, interval, expected[name])
    yield "youden", result.youden, expected["youden"]


def clustered_proportion(inputs, expected) -> Rows:
    successes, patients = [], []
    for number, (events, size) in enumerate(zip(inputs["events"], inputs["sizes"], strict=True)):
        successes += [1] * events + [0] * (size - events)
        patients += [str(number)] * size
    methods = clustered.ClusteredMethod
    logit = clustered.lesion_proportion(successes, patient_ids=patients)
    yield "standard error", logit.standard_error, expected["se_ratio"]
    yield "design effect", logit.design_effect, expected["design_effect"]
    yield "icc", logit.icc, expected["saha_wilson"]["icc"]
    for name, method in (("logit_ci", methods.LOGIT), ("wald_ci", methods.WALD), ("saha_wilson", methods.SAHA_WILSON)):
        result = clustered.lesion_proportion(successes, patient_ids=patients, method=method)
        yield from _limits(name, result.interval, expected[name])


def clustered_paired(inputs, expected) -> Rows:
    first, second, patients = [], [], []
    cells = {"a": (1, 1), "b": (1, 0), "c": (0, 1), "d": (0, 0)}
    for cell, (one, other) in cells.items():
        for number, count in enumerate(inputs["per_cluster"][cell]):
            first += [one] * count
            second += [other] * count
            patients += [str(number)] * count
    for method in clustered.ClusteredMcNemarMethod:
        test = clustered.clustered_mcnemar(first, second, patient_ids=patients, method=method)
        yield method.name.lower(), test.statistic, expected[method.name.lower()]["chi2"]
        yield f"{method.name.lower()} p", test.p_value, expected[method.name.lower()]["p"]


def clustered_auc(inputs, expected) -> Rows:
    patients = [str(number) for number in inputs["cluster"]]
    area, variance = roc.obuchowski_auc_variance(inputs["score"], truth=inputs["truth"], patient_ids=patients)
    yield "auc", area, expected["auc"]
    yield "variance", variance, expected["var_obuchowski"]
    naive = roc.roc_data(inputs["score"], truth=inputs["truth"]).variance
    yield "variance ignoring clusters", naive, expected["var_delong_ignoring_clusters"]


def roc_delong_paired(inputs, expected) -> Rows:
    data = {key: roc.roc_data(inputs[f"score_{key}"], truth=inputs["truth"]) for key in "ab"}
    for key, one in data.items():
        yield f"{key} auc", one.auc, expected[key]["auc"]
        yield f"{key} variance", one.variance, expected[key]["var_delong"]
        yield f"{key} binormal variance", roc_binormal.binormal_auc_variance(one), expected[key]["var_obuchowski"]
        yield from _limits(key, roc.auc_interval(one, method=roc.AucInterval.WALD), expected[key]["ci_delong"])
    result = roc.compare_auc_paired(data["a"], data["b"])
    yield "covariance", result.covariance, expected["cov_delong"]
    yield "z", result.test.statistic, expected["z"]
    yield "p", result.test.p_value, expected["p"]
    yield from _limits("difference", result.difference, expected["ci_delta"])
    unpaired = roc.compare_auc_unpaired(data["a"], data["b"])
    yield "unpaired D", unpaired.test.statistic, expected["unpaired_D"]
    yield "unpaired df", unpaired.test.df1, expected["unpaired_df"]
    yield "unpaired p", unpaired.test.p_value, expected["unpaired_p"]


def partial_auc_rows(inputs, expected) -> Rows:
    data = roc.roc_data(inputs["score"], truth=inputs["truth"])
    specific = partial_auc.partial_auc(data, at_least=0.9)
    sensitive = partial_auc.partial_auc(data, side=partial_auc.RocSide.SENSITIVITY, at_least=0.8)
    yield "specificity 0.9", specific.area, expected["sp_1_to_0.9"]
    yield "specificity 0.9 standardised", specific.standardised, expected["sp_1_to_0.9_mcclish"]
    yield "sensitivity 0.8", sensitive.area, expected["se_1_to_0.8"]
    yield "sensitivity 0.8 standardised", sensitive.standardised, expected["se_1_to_0.8_mcclish"]


def auc_variance(inputs, expected) -> Rows:
    error = roc_binormal.hanley_mcneil_se(inputs["auc"], n_positive=inputs["n_pos"], n_negative=inputs["n_neg"])
    yield "se", error, expected["se"]


def mrmc_study() -> mrmc.ReaderStudy:
    cases = {case["id"]: case for case in load("mrmc_or")}
    rows = cases["synthetic2026_jackknife"]["inputs"]["rows"]
    return mrmc.reader_study(
        rows["rating"], readers=rows["reader"], modalities=rows["treatment"], cases=rows["case"], truth=rows["truth"]
    )


def mrmc_or(inputs, expected) -> Rows:
    study = mrmc_study()
    if inputs.get("metric") == "sensitivity":
        estimates = mrmc_covariance.sensitivity_jackknife(study, threshold=50)
    elif inputs["covariance"] == "DeLong":
        estimates = mrmc_covariance.auc_delong(study)
    else:
        estimates = mrmc_covariance.auc_jackknife(study)
    result = mrmc.obuchowski_rockette(estimates)
    yield "F", result.test.statistic, expected["F"]
    yield "df2", result.test.df2, expected["df2"]
    yield "p", result.test.p_value, expected["p"]
    yield "difference", result.difference.estimate, expected["diff"]
    yield from _limits("difference", result.difference, expected["ci"])
    if "vcov" in expected:
        names = {"error": "Error", "cov1": "Cov1", "cov2": "Cov2", "cov3": "Cov3"}
        for name in ("reader", "treatment_reader", *names):
            yield name, getattr(result.components, name), expected["vcov"][names.get(name, name)]
        for number, figure in enumerate(result.figures):
            yield f"auc {number}", figure.estimate, expected["auc_by_modality"][number]
            yield f"auc {number} lower", figure.lower, expected["auc_ci_lower"][number]
            yield f"auc {number} upper", figure.upper, expected["auc_ci_upper"][number]


def mrmc_ustat_rows(_inputs, expected) -> Rows:
    difference = mrmc_ustat.ustat_difference(mrmc_study())
    for name, one in (("modality1", difference.first), ("modality2", difference.second)):
        yield f"{name} auc", one.auc, expected[name]["AUC.1"]
        yield f"{name} variance", one.variance, expected[name]["covAUC"]
        yield f"{name} biased variance", one.variance_biased, expected[name]["covAUC.biased"]
        yield from _ustat_tests(name, one, expected[name], "dfBDG")
    yield "covariance", difference.covariance, expected["difference"]["covAUC"]
    yield "variance", difference.variance, expected["difference"]["varAUC1minusAUC2"]
    yield "biased variance", difference.variance_biased, expected["difference"]["varAUC1minusAUC2.biased"]
    yield from _ustat_tests("difference", difference, expected["difference"], "dfBDG.diff")


def _ustat_tests(name, result, expected, df) -> Rows:
    yield f"{name} df", result.df, expected[df]
    yield f"{name} normal lower", result.normal.lower, expected["botCInormal"]
    yield f"{name} normal upper", result.normal.upper, expected["topCInormal"]
    yield f"{name} BDG lower", result.bdg.lower, expected["botCIBDG"]
    yield f"{name} BDG upper", result.bdg.upper, expected["topCIBDG"]
    yield f"{name} p normal", result.test_normal.p_value, expected["pValueNormal"]
    yield f"{name} p BDG", result.test_bdg.p_value, expected["pValueBDG"]
    for number, moment in enumerate(result.moments, start=1):
        yield f"{name} M{number}", moment, expected[f"M{number}"]


def detection_data(inputs):
    marks, nodules = inputs["marks"], inputs["nodules"]

    def places(rows):
        return np.array([[row["x"], row["y"], row["z"]] for row in rows], dtype=np.float64)

    detections = froc.Detections(
        scan_ids=tuple(str(row["case"]) for row in marks),
        positions_lps_mm=places(marks),
        scores=np.array([row["score"] for row in marks], dtype=np.float64),
    )
    truth = froc.TrueNodules(
        scan_ids=tuple(str(row["case"]) for row in nodules),
        positions_lps_mm=places(nodules),
        diameters_mm=np.array([row["diameter"] for row in nodules], dtype=np.float64),
        excluded=np.zeros(len(nodules), dtype=np.bool_),
    )
    return froc.match_detections(detections, truth, scan_ids=[str(number) for number in range(inputs["n_cases"])])


def free_response(inputs) -> jafroc.FreeResponse:
    lesions = inputs["lesions_per_diseased_case"]
    cases = inputs["n_nondiseased"] + inputs["n_diseased"]
    false, count = np.full((2, 2, cases), -np.inf), np.zeros((2, 2, cases), dtype=np.int64)
    ratings = np.full((2, 2, cases, max(lesions)), np.nan)
    for number, many in enumerate(lesions):
        ratings[:, :, inputs["n_nondiseased"] + number, :many] = -np.inf
    for mark in inputs["marks"]:
        cell = (mark["modality"] - 1, mark["reader"] - 1, mark["case"] - 1)
        if mark["type"] == "NL":
            false[cell] = max(false[cell], mark["rating"])
            count[cell] += 1
        else:
            ratings[(*cell, mark["lesion"] - 1)] = mark["rating"]
    return jafroc.FreeResponse(highest_false=false, n_false=count, lesion_ratings=ratings)


MERITS = {
    "wAFROC": "WAFROC",
    "AFROC": "AFROC",
    "wAFROC1": "WAFROC1",
    "AFROC1": "AFROC1",
    "HrAuc": "HR_AUC",
    "MaxNLF": "MAX_NLF",
    "MaxLLF": "MAX_LLF",
    "HrSe": "HR_SENSITIVITY",
    "HrSp": "HR_SPECIFICITY",
}


def froc_rows(inputs, expected) -> Rows:
    if "n_cases" in inputs:
        data = detection_data(inputs)
        curve = froc.froc_curve(data)
        yield "false positives", data.false_scores.size, expected["n_fp_marks"]
        yield "highest sensitivity", curve.sensitivity[-1], expected["max_sensitivity"]
        yield "most false positives", curve.false_positives_per_scan[-1], expected["max_fp_per_scan"]
        for name, way in (("step", froc.Interpolation.STEP), ("linear", froc.Interpolation.LINEAR)):
            result = froc.competition_metric(curve, interpolation=way)
            yield f"cpm {name}", result.cpm, expected[f"cpm_{name}"]
            for rate, ours, wanted in zip(
                result.rates, result.sensitivities, expected[f"sensitivity_{name}"], strict=True
            ):
                yield f"{name} at {rate}", ours, wanted
        return
    study = free_response(inputs)
    for name, key in MERITS.items():
        merit = jafroc.free_response_merit(study, merit=jafroc.FreeResponseMerit[key])
        for (i, j), value in np.ndenumerate(merit):
            yield f"{name} {i}{j}", float(value), expected["fom_by_modality_then_reader"][name][i][j]
    for name, wanted in expected["or_rrrc"].items():
        merit = jafroc.FreeResponseMerit[MERITS[name]]
        result = mrmc.obuchowski_rockette(
            mrmc_covariance.from_jackknife(
                jafroc.free_response_merit(study, merit=merit),
                jafroc.free_response_jackknife(study, merit=merit),
                modalities=("1", "2"),
            )
        )
        for part, key in (("error", "var"), ("cov1", "cov1"), ("cov2", "cov2"), ("cov3", "cov3")):
            yield f"{name} {key}", getattr(result.components, part), wanted[key]
        yield f"{name} F", result.test.statistic, wanted["F"]
        yield f"{name} ddf", result.test.df2, wanted["ddf"]
        yield f"{name} p", result.test.p_value, wanted["p"]
        yield f"{name} se", result.standard_error, wanted["se"]
        yield from _limits(name, result.difference, wanted["ci"])


def krippendorff_alpha(inputs, expected) -> Rows:
    data = agreement.ratings(np.array(inputs["ratings"], dtype=np.float64).T)
    for metric, value in expected.items():
        yield metric, krippendorff.krippendorff_alpha(data, metric=krippendorff.Metric(metric)), value


def fleiss_kappa(inputs, expected) -> Rows:
    if "counts" in inputs:
        yield "kappa", agreement.fleiss_kappa(inputs["counts"]), expected["kappa"]
        return
    data = agreement.ratings(inputs["ratings_subject_by_rater"])
    yield "kappa", agreement.fleiss_kappa(data.counts), expected["kappa"]
    yield "z", agreement.fleiss_kappa_test(data.counts).statistic, expected["z"]
    conger = agreement.chance_corrected(data, model=agreement.ChanceModel.CONGER)
    yield "conger", conger.interval.estimate, expected["exact_conger"]


def cohen_kappa(inputs, expected) -> Rows:
    for name, key in (("unweighted", "IDENTITY"), ("quadratic", "QUADRATIC"), ("linear", "LINEAR")):
        result = agreement.cohen_kappa(inputs["table"], weighting=agreement.Weighting[key])
        yield name, result.interval.estimate, expected[name]["kappa"]
        yield f"{name} ase", result.standard_error, expected[name]["ase"]
    gwet = agreement.gwet_ac1_of_table(inputs["table"])
    yield "ac1", gwet.interval.estimate, expected["gwet_ac1"]
    yield "ac1 se", gwet.standard_error, expected["gwet_ac1_se"]
    yield "percent agreement", gwet.observed, expected["percent_agreement"]
    counts = np.asarray(inputs["table"])
    data = agreement.ratings(np.repeat(np.indices(counts.shape).reshape(2, -1).T, counts.ravel(), axis=0))
    prediger = agreement.chance_corrected(data, model=agreement.ChanceModel.BRENNAN_PREDIGER)
    yield "brennan prediger", prediger.interval.estimate, expected["brennan_prediger"]
    alpha = krippendorff.krippendorff_alpha(data, metric=krippendorff.Metric.NOMINAL)
    yield "alpha", alpha, expected["krippendorff_2rater"]


def gwet_cac(inputs, expected) -> Rows:
    data = agreement.ratings(np.array(inputs["ratings"], dtype=np.float64))
    for name, key in (("fleiss", "FLEISS"), ("ac1", "GWET"), ("conger", "CONGER"), ("bp", "BRENNAN_PREDIGER")):
        result = agreement.chance_corrected(data, model=agreement.ChanceModel[key])
        yield name, result.interval.estimate, expected[name]
        if name == "ac1":
            yield "ac1 se", result.standard_error, expected["ac1_se"]
    yield "alpha", krippendorff.krippendorff_alpha(data, metric=krippendorff.Metric.NOMINAL), expected["alpha"]
    for weighting in ("quadratic", "ordinal"):
        if f"ac2_{weighting}" in expected:
            result = agreement.chance_corrected(
                data, model=agreement.ChanceModel.GWET, weighting=agreement.Weighting(weighting)
            )
            yield f"ac2 {weighting}", result.interval.estimate, expected[f"ac2_{weighting}"]


def icc_rows(inputs, expected) -> Rows:
    for form, wanted in expected.items():
        result = icc.intraclass_correlation(inputs["ratings"], form=icc.IccForm[form.upper()])
        yield form, result.interval.estimate, wanted["icc"]
        yield f"{form} F", result.test.statistic, wanted["F"]
        yield f"{form} p", result.test.p_value, wanted["p"]
        yield from _limits(form, result.interval, wanted)


def bland_altman_rows(inputs, expected) -> Rows:
    result = bland_altman.bland_altman(inputs["a"], inputs["b"])
    yield "bias", result.bias.estimate, expected["bias"]
    yield "sd", result.sd, expected["sd"]
    yield from _limits("bias", result.bias, expected["bias_ci"])
    yield "lower limit", result.lower_limit.estimate, expected["loa_lower"]
    yield "upper limit", result.upper_limit.estimate, expected["loa_upper"]
    for side in ("lower_limit", "upper_limit"):
        yield from _limits(f"approximate {side}", getattr(result, side), expected["loa_ci_approx_BA1999"][side])
        yield from _limits(f"exact {side}", getattr(result, f"{side}_exact"), expected["loa_ci_exact_carkeet"][side])
    yield "mae", result.mean_absolute_error, expected["mae"]
    yield "rmse", result.root_mean_square_error, expected["rmse"]
    yield "slope", result.proportional_bias_slope, expected["prop_bias_slope"]
    yield "slope p", result.proportional_bias_p, expected["prop_bias_p"]
    yield "pearson", result.pearson, expected["pearson"]
    yield "concordance", result.concordance, expected["lin_ccc"]


def calibration_rows(inputs, expected) -> Rows:
    p, y = inputs["prob"], inputs["truth"]
    by_width = {n: calibration.binned_calibration(p, truth=y, bins=n) for n in (5, 10, 15)}
    for n, binned in by_width.items():
        if f"ece_equal_width_{n}" in expected:
            yield f"ece {n}", binned.expected_error, expected[f"ece_equal_width_{n}"]
    if "slope" not in expected:
        return
    result = calibration.calibration(p, truth=y)
    hl = expected["hosmer_lemeshow_g10"]
    external = calibration.hosmer_lemeshow(p, truth=y)
    internal = calibration.hosmer_lemeshow(p, truth=y, origin=calibration.ModelOrigin.INTERNAL)
    mass = calibration.binned_calibration(p, truth=y, binning=calibration.Binning.EQUAL_MASS)
    yield "brier", result.brier, expected["brier"]
    yield "brier scaled", result.brier_scaled, expected["brier_scaled"]
    yield "log loss", result.log_loss, expected["log_loss"]
    yield "in the large", result.in_the_large, expected["citl_intercept"]
    yield "in the large se", result.in_the_large_se, expected["citl_se"]
    yield "slope", result.fit.slope, expected["slope"]
    yield "slope se", result.fit.slope_se, expected["slope_se"]
    yield "intercept", result.fit.intercept, expected["intercept_with_slope"]
    yield "hosmer-lemeshow", external.statistic, hl["chi2"]
    yield "hosmer-lemeshow external p", external.p_value, hl["p_external"]
    yield "hosmer-lemeshow internal p", internal.p_value, hl["p_internal"]
    yield "spiegelhalter", result.spiegelhalter.statistic, expected["spiegelhalter_z"]
    yield "spiegelhalter p", result.spiegelhalter.p_value, expected["spiegelhalter_p"]
    yield "unreliability p", result.unreliability.p_value, expected["val_prob_U_p"]
    yield "ece mass", mass.expected_error, expected["ece_equal_mass_10"]
    yield "mce", by_width[10].maximum_error, expected["mce_equal_width_10"]
    for part in ("reliability", "resolution", "uncertainty"):
        yield part, getattr(by_width[10], part), expected["murphy"][part]
    yield "c statistic", roc.roc_data(p, truth=y).auc, expected["c_statistic"]


def decision_curve(inputs, expected) -> Rows:
    points = calibration.decision_curve(inputs["prob"], truth=inputs["truth"], thresholds=inputs["thresholds"])
    for point in points:
        yield f"model {point.threshold}", point.model, expected["net_benefit_model"][f"{point.threshold:.2f}"]
        yield f"all {point.threshold}", point.treat_all, expected["net_benefit_all"][f"{point.threshold:.2f}"]


def _sphere(shape, centre, radius, spacing):
    grid = np.indices(shape).transpose(1, 2, 3, 0)
    return np.sum(((grid - centre) * spacing) ** 2, axis=-1) <= radius**2


def _box(*ranges):
    mask = np.zeros((24, 24, 24), dtype=np.bool_)
    mask[tuple(slice(*one) for one in ranges)] = True
    return mask


def masks(case_id, spacing):
    cube, empty = _box((6, 16), (6, 16), (6, 16)), np.zeros((24, 24, 24), dtype=np.bool_)
    made = {
        "both_empty": lambda: (empty, empty),
        "gt_empty": lambda: (empty, cube),
        "cube10_shift2z_aniso": lambda: (cube, _box((8, 18), (6, 16), (6, 16))),
        "cube10_vs_cube12": lambda: (cube, _box((5, 17), (5, 17), (5, 17))),
        "touching_border": lambda: (_box((0, 10), (6, 16), (6, 16)), _box((0, 10), (6, 16), (7, 17))),
        "sphere6.2_aniso": lambda: (
            _sphere((24, 48, 48), (12, 24, 24), 6.2, spacing),
            _sphere((24, 48, 48), (12, 25, 23), 6.0, spacing),
        ),
        "sphere6.2_shift1.4": lambda: (
            _sphere((32, 32, 32), (16, 16, 16), 6.2, spacing),
            _sphere((32, 32, 32), (16, 17, 17), 6.2, spacing),
        ),
    }
    return made[case_id]()


def segmentation_rows(inputs, expected) -> Rows:
    spacing = tuple(float(value) for value in inputs["spacing_zyx_mm"])
    result = segmentation.compare_masks(*masks(inputs["case_id"], spacing), spacing_zyx_mm=spacing)
    undefined = float("-inf")
    for name in ("dice", "iou"):
        ours = getattr(result, name)
        yield name, undefined if ours is None else ours, undefined if expected[name] is None else expected[name]
    if "voxel_surface" not in expected:
        return
    for name in ("hd", "hd95_max_of_directed", "hd95_pooled", "assd_pooled", "asd_mean_of_directed"):
        yield name, getattr(result.voxels, name), expected["voxel_surface"][name]
    yield "nsd", result.voxels.nsd, expected["voxel_surface"]["nsd_1mm"]
    for ours, wanted in zip(result.voxels.n_surface, expected["voxel_surface"]["n_surface"], strict=True):
        yield "surface voxels", ours, wanted
    areas = expected["surfel_area_weighted"]
    yield "area hd95", result.areas.hd95, areas["hd95"]
    yield "area forth", result.areas.asd_reference_to_prediction, areas["asd_ref_to_pred"]
    yield "area back", result.areas.asd_prediction_to_reference, areas["asd_pred_to_ref"]
    yield "area nsd", result.areas.nsd, areas["nsd_1mm"]


def sample_size_rows(inputs, expected) -> Rows:
    rates = sample_size.ErrorRates()
    if "p_discordant" in inputs:
        wanted = {"discordant": inputs["p_discordant"], "difference": inputs["difference"]}
        yield "pairs", sample_size.mcnemar_pairs(**wanted, rates=rates).exact, expected["n_exact"]
        one_sided = sample_size.mcnemar_pairs(**wanted, rates=sample_size.ErrorRates(alpha_one_sided=0.05))
        yield "pairs, one-sided", one_sided.exact, expected["n_exact_one_sided"]
    elif "endpoint" in inputs:
        yield from _mrmc_size(inputs, expected)
    elif "p_only_test" in inputs:
        shares = sample_size.PairedRates(only_test=inputs["p_only_test"], only_control=inputs["p_only_control"])
        for method, key in (("SCORE", "nam_score_n_pairs"), ("WALD", "wald_n_pairs")):
            size = sample_size.paired_non_inferiority_pairs(
                shares, margin=inputs["margin"], rates=rates, method=sample_size.NonInferiorityMethod[method]
            )
            yield key, size.exact, expected[key]
    elif "p_test" in inputs:
        for method, key in (("SCORE", "farrington_manning_n_per_arm"), ("WALD", "wald_n_per_arm")):
            size = sample_size.unpaired_non_inferiority_cases(
                test=inputs["p_test"],
                control=inputs["p_control"],
                margin=inputs["margin"],
                rates=rates,
                method=sample_size.NonInferiorityMethod[method],
            )
            yield key, size.exact, expected[key]
    else:
        size = sample_size.precision_cases(expected=inputs["expected"], half_width=inputs["half_width"]).exact
        yield "with condition", size, expected["n_condition"]
        yield "total for sensitivity", size / inputs["prevalence"], expected["n_total_sens"]
        yield "total for specificity", size / (1 - inputs["prevalence"]), expected["n_total_spec"]


def _mrmc_size(inputs, expected) -> Rows:
    endpoints = {"auc": sample_size_mrmc.MrmcEndpoint.AUC, "se": sample_size_mrmc.MrmcEndpoint.SENSITIVITY}
    size = sample_size_mrmc.mrmc_cases(
        sample_size_mrmc.MrmcAssumptions(
            endpoint=endpoints[inputs["endpoint"]],
            readers=inputs["J"],
            difference=inputs["delta"],
            expected=inputs["theta"],
            range_between=inputs["rangeb"],
            range_within=inputs["rangew"],
            r1=inputs["r1"],
            controls_per_case=float(inputs["R"]),
            lesions_per_case=float(inputs.get("s", 1)),
            icc=float(inputs.get("ICC", 0)),
        )
    )
    for name, ours in (
        ("varTR", size.components.treatment_reader),
        ("varE", size.components.error),
        ("varR", size.components.reader),
        ("varW", size.within_reader),
        ("Cov1", size.components.cov1),
        ("Cov2", size.components.cov2),
        ("Cov3", size.components.cov3),
    ):
        yield name, ours, expected[f"varComponents.{name}"]
    yield "units", size.units, expected["ORSampleSizeResults.nUnits_i"]
    yield "controls", size.control_cases, expected["ORSampleSizeResults.nControls"]
    yield "total", size.total, expected["ORSampleSizeResults.nTotal"]


def risk_model(inputs, expected) -> Rows:
    if "nodule_count" in inputs:
        kind = {"solid": "solid", "part": "part-solid", "nonsolid": "non-solid"}[inputs["type"]]
        result = risk_models.brock_risk(
            risk_models.BrockInput(
                age_years=float(inputs["age"]),
                female=bool(inputs["female"]),
                family_history=bool(inputs["family_history_lung_ca"]),
                emphysema=bool(inputs["emphysema"]),
                diameter_mm=float(inputs["size_mm"]),
                nodule_type=risk_models.NoduleType(kind),
                upper_lobe=bool(inputs["upper_lobe"]),
                nodule_count=inputs["nodule_count"],
                spiculation=bool(inputs["spiculation"]),
            )
        )
    elif "years_quit" in inputs:
        result = risk_models.gould_risk(
            risk_models.GouldInput(
                age_years=float(inputs["age"]),
                ever_smoker=bool(inputs["ever_smoker"]),
                years_since_quitting=float(inputs["years_quit"]),
                diameter_mm=float(inputs["diameter_mm"]),
            )
        )
    else:
        result = risk_models.mayo_risk(
            risk_models.MayoInput(
                age_years=float(inputs["age"]),
                ever_smoker=bool(inputs["ever_smoker"]),
                extrathoracic_cancer_over_5_years_ago=bool(inputs["extrathoracic_cancer_gt5y"]),
                diameter_mm=float(inputs["diameter_mm"]),
                spiculation=bool(inputs["spiculation"]),
                upper_lobe=bool(inputs["upper_lobe"]),
            )
        )
    yield "logit", result.logit, expected["logit"]
    yield "probability", result.probability, expected["p"]


def drift(inputs, expected) -> Rows:
    result = monitoring.acceptance_test(
        proportions.Count(successes=inputs["successes"], n=inputs["n"]),
        acceptance=inputs["acceptance"],
        alpha=inputs["alpha"],
    )
    yield "p", result.test.p_value, expected["p_one_sided"]
    yield "alarm", result.alarm, expected["alarm"]


def consensus_rows(inputs, expected) -> Rows:
    reads = [np.array(mask, dtype=np.bool_).reshape(inputs["shape"]) for mask in inputs["masks_flat_c_order"]]
    result = consensus.staple(reads)
    for name in ("sensitivity", "specificity"):
        for reader, (ours, wanted) in enumerate(zip(getattr(result, name), expected[name], strict=True)):
            yield f"{name} {reader}", ours, wanted
    wanted_mask = np.array(expected["staple_mask_flat"], dtype=np.bool_).reshape(inputs["shape"])
    yield "voxels that differ", int(np.count_nonzero(result.mask != wanted_mask)), 0
    yield "majority", int(consensus.majority(reads, ties=consensus.TieRule.REFUSE).sum()), expected["majority_voxels"]
    yield "union", int(consensus.union(reads).sum()), expected["union_voxels"]
    yield "intersection", int(consensus.intersection(reads).sum()), expected["intersection_voxels"]
    for rim, wanted in expected["padding_effect"].items():
        padded = consensus.staple([np.pad(mask, int(rim)) for mask in reads])
        yield f"voxels with a rim of {rim}", int(padded.mask.sum()), wanted["staple_voxels"]
        yield f"prior with a rim of {rim}", padded.prior, wanted["prior"]


def lung_rads_rows(inputs, expected) -> Rows:
    if "diameters_mm" in inputs:
        for diameter, wanted in zip(inputs["diameters_mm"], expected["volume_mm3"], strict=True):
            yield f"volume of {diameter} mm", measure.sphere_volume_mm3(diameter), wanted
        return
    order = list(lung_rads.LungRadsCategory)
    for number, (row, wanted) in enumerate(zip(inputs["cases"], expected["category"], strict=True)):
        component = row["solid_component_mm"]
        category = lung_rads.lung_rads_2022(
            lung_rads.LungRadsFinding(
                finding=lung_rads.Finding(row["type"]),
                timing=lung_rads.Timing(row["timing"]),
                mean_diameter_mm=row["mean_diameter_mm"],
                solid_component_mm=None if component is None else float(component),
            )
        )
        yield f"row {number}", order.index(category), order.index(lung_rads.LungRadsCategory(wanted))


def fleischner_2017(inputs, expected) -> Rows:
    for number, (row, wanted) in enumerate(zip(inputs["cases"], expected["recommendation"], strict=True)):
        text = grading.fleischner_2017(
            grading.FleischnerNodule(
                attenuation=grading.Attenuation({"subsolid": "ground-glass"}.get(row["type"], row["type"])),
                multiplicity=grading.Multiplicity(row["count"]),
                risk=None if row["risk"] == "any" else grading.RiskGroup(row["risk"]),
                mean_diameter_mm=float(row["mean_diameter_mm"]),
            )
        )
        yield f"row {number} differs", int(text != wanted), 0


def c_lung_rads(inputs, expected) -> Rows:
    for number, (row, wanted) in enumerate(zip(inputs["cases"], expected["category"], strict=True)):
        category = grading.c_lung_rads_2024(
            grading.Attenuation(row["type"]),
            mean_diameter_mm=row["mean_diameter_mm"],
            solid_component_mm=row["solid_component_mm"],
        )
        yield f"row {number}", category, wanted


def growth(inputs, expected) -> Rows:
    result = measure.growth(first_mm3=inputs["v1_mm3"], second_mm3=inputs["v2_mm3"], days=inputs["days"])
    yield "doubling time", result.doubling_time_days, expected["vdt_days"]
    yield "percent change", result.percent_change, expected["percent_volume_change"]


def geometry(inputs, expected) -> Rows:
    for diameter, wanted in zip(inputs["diameters_mm"], expected["volumes"], strict=True):
        yield f"volume of {diameter} mm", measure.sphere_volume_mm3(diameter), wanted


# Topic, the function that recomputes it, the requirement it is evidence for.
CLINICAL = {
    "proportion_ci": (proportion_ci, "SRS-CLIN-001"),
    "unpaired_difference_ci": (unpaired_difference_ci, "SRS-CLIN-002"),
    "paired_difference": (paired_difference, "SRS-CLIN-003"),
    "paired_diagnostic": (paired_diagnostic, "SRS-CLIN-022"),
    "diagnostic_2x2": (diagnostic_2x2, "SRS-CLIN-022"),
    "clustered_proportion": (clustered_proportion, "SRS-CLIN-004"),
    "clustered_paired": (clustered_paired, "SRS-CLIN-004"),
    "clustered_auc": (clustered_auc, "SRS-CLIN-004"),
    "roc_delong_paired": (roc_delong_paired, "SRS-CLIN-005"),
    "partial_auc": (partial_auc_rows, "SRS-CLIN-005"),
    "auc_variance": (auc_variance, "SRS-CLIN-008"),
    "mrmc_or": (mrmc_or, "SRS-CLIN-007"),
    "mrmc_ustat": (mrmc_ustat_rows, "SRS-CLIN-007"),
    "froc": (froc_rows, "SRS-CLIN-006"),
    "krippendorff_alpha": (krippendorff_alpha, "SRS-CLIN-010"),
    "fleiss_kappa": (fleiss_kappa, "SRS-CLIN-010"),
    "cohen_kappa": (cohen_kappa, "SRS-CLIN-010"),
    "gwet_cac": (gwet_cac, "SRS-CLIN-010"),
    "icc": (icc_rows, "SRS-CLIN-010"),
    "bland_altman": (bland_altman_rows, "SRS-CLIN-014"),
    "calibration": (calibration_rows, "SRS-CLIN-013"),
    "decision_curve": (decision_curve, "SRS-CLIN-013"),
    "segmentation": (segmentation_rows, "SRS-CLIN-012"),
    "sample_size": (sample_size_rows, "SRS-CLIN-008"),
    "risk_model": (risk_model, "SRS-CLIN-021"),
    "drift": (drift, "SRS-CLIN-018"),
}
ANNOTATION = {
    "consensus": (consensus_rows, "SRS-ANNO-006"),
    "lung_rads": (lung_rads_rows, "SRS-ANNO-009"),
    "fleischner_2017": (fleischner_2017, "SRS-ANNO-009"),
    "c_lung_rads": (c_lung_rads, "SRS-ANNO-009"),
    "growth": (growth, "SRS-ANNO-011"),
    "geometry": (geometry, "SRS-ANNO-005"),
}


def load(topic: str) -> list[dict]:
    return json.loads((VECTORS / f"{topic}.json").read_text(encoding="utf-8"))["cases"]


def rows(topic: str, case: dict) -> list[tuple[str, float, float]]:
    compute, _ = (CLINICAL | ANNOTATION)[topic]
    return list(compute({**case["inputs"], "case_id": case["id"]}, case["expected"]))


def table() -> int:
    worst = 0
    heads = ("topic", "case", "quantity", "ours", "expected", "difference", "tolerance")
    sys.stdout.write("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|\n")
    for topic in CLINICAL | ANNOTATION:
        for case in load(topic):
            for name, ours, wanted in rows(topic, case):
                difference = 0.0 if ours == wanted else abs(ours - wanted)
                worst += difference > case["tol"]
                cells = (topic, case["id"], name, f"{ours:.10g}", f"{wanted:.10g}", f"{difference:.1e}", case["tol"])
                sys.stdout.write("| " + " | ".join(str(cell) for cell in cells) + " |\n")
    return worst


if __name__ == "__main__":
    sys.exit(table())
