"""Coverage of the 95 % intervals of ``motivlab.intervals``, by simulation: ``python tests/benchmarks/coverage.py``.

It writes coverage.csv, coverage.svg and coverage.md beside itself, in some minutes; ``--draw`` makes the figure and the
page again from coverage.csv.

The estimate, its standard error and its degrees of freedom are computed here for thousands of samples at once. Before
anything is simulated they are compared with :func:`motivlab.prevalence` on a few samples of every design.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import optimize

import motivlab as ml
from motivlab.intervals import korn_graubard, logit, wilson

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).resolve().parent
SEED = 20_240_229
REPLICATIONS = 50_000
INTERVALS = {"korn-graubard": korn_graubard, "wilson": wilson, "logit": logit}
CHUNK = 200_000  # answers drawn at once: what fits the cache of a processor

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
SIZES = (50, 100, 200, 500, 1000, 2000)
CLUSTER = 10  # respondents in a cluster
CORRELATION = 0.05  # within clusters
KISH = 1.55  # 1 + the squared coefficient of variation of the weights
SIGMA = float(np.sqrt(np.log(KISH)))  # of the logarithm of the weights
ODDS = 2.0  # of the answer, per standard deviation of the logarithm of the weights, where they are related


@dataclass(frozen=True)
class Plan:
    """How samples are drawn."""

    label: str
    weights: Literal["equal", "unequal", "related"]
    clustered: bool


PLANS = {
    "equal": Plan("equal weights", "equal", False),
    "unequal": Plan("unequal weights", "unequal", False),
    "related": Plan("weights related to the answer", "related", False),
    "equal_clusters": Plan("equal weights, clusters", "equal", True),
    "unequal_clusters": Plan("unequal weights, clusters", "unequal", True),
}


# ---------------------------------------------------------------------------------------------------- simulation


@dataclass(frozen=True)
class Samples:
    """Samples of one size, a row per sample: weights, and answers of 0 and 1; a cluster's respondents are together."""

    weight: Floats
    answer: Floats
    clustered: bool


def cell_generator(plan: str, n: int, p: float) -> np.random.Generator:
    """The random numbers of one cell: its own, whatever was simulated before it."""
    return np.random.default_rng([SEED, zlib.crc32(plan.encode()), n, round(10_000 * p)])


def sample(rng: np.random.Generator, plan: Plan, n: int, p: float, samples: int) -> Samples:
    """Samples in which the weighted share of the population is p."""
    shape = (samples, n)
    log_weight = np.zeros(shape) if plan.weights == "equal" else SIGMA * rng.standard_normal(shape)
    chance: Floats | float = p
    if plan.weights == "related":
        chance = 1 / (1 + np.exp(-intercept(p) - np.log(ODDS) / SIGMA * log_weight))
    if plan.clustered:
        both = 1 / CORRELATION - 1
        of_cluster = rng.beta(p * both, (1 - p) * both, (samples, n // CLUSTER))
        chance = np.repeat(of_cluster, CLUSTER, axis=1)
    return Samples(np.exp(log_weight), (rng.random(shape) < chance).astype(float), plan.clustered)


@cache
def intercept(p: float) -> float:
    """Where the logit of the answer crosses weight one, so that E[w y] / E[w] = p.

    Weighting a lognormal by itself moves the mean of its logarithm by its variance: the rest is a Gaussian integral.
    """
    nodes, mass = np.polynomial.hermite_e.hermegauss(60)
    log_weight = SIGMA**2 + SIGMA * nodes

    def share(a: float) -> float:
        return float(mass @ (1 / (1 + np.exp(-a - np.log(ODDS) / SIGMA * log_weight))) / mass.sum())

    return float(optimize.brentq(lambda a: share(a) - p, -20, 20, xtol=1e-14))


def estimate(samples: Samples) -> tuple[Floats, Floats, Floats]:
    """Share, Taylor-linearised standard error and degrees of freedom of each sample, as in motivlab."""
    w, y = samples.weight, samples.answer
    n = w.shape[1]
    wy = w * y
    total, chosen = w.sum(axis=1), wy.sum(axis=1)
    p = chosen / total
    if samples.clustered:
        units = n // CLUSTER
        shape = (-1, units, CLUSTER)
        z = (wy.reshape(shape).sum(axis=2) - p[:, None] * w.reshape(shape).sum(axis=2)) / total[:, None]
        squares, sums = (z**2).sum(axis=1), z.sum(axis=1)
    else:
        units = n
        squares = ((w * wy).sum(axis=1) * (1 - 2 * p) + p**2 * (w**2).sum(axis=1)) / total**2
        sums = (chosen - p * total) / total
    variance = units / (units - 1) * (squares - sums**2 / units)
    counted = y.sum(axis=1)
    variance = np.where((counted == 0) | (counted == n), 0.0, np.maximum(variance, 0.0))
    return p, np.sqrt(variance), np.full(len(p), units - 1.0)


def cell(name: str, n: int, p: float, replications: int = REPLICATIONS) -> pd.DataFrame:
    """One cell: a row per interval."""
    plan, rng = PLANS[name], cell_generator(name, n, p)
    chunk = max(1, CHUNK // n)
    parts, kish = [], []
    for start in range(0, replications, chunk):
        samples = sample(rng, plan, n, p, min(chunk, replications - start))
        parts.append(estimate(samples))
        kish.append(n * (samples.weight**2).sum(axis=1) / samples.weight.sum(axis=1) ** 2)
    share, se, df = (np.concatenate(part) for part in zip(*parts, strict=True))
    sure = (share <= 0) | (share >= 1)
    rows = []
    for interval, bounds in INTERVALS.items():
        low, high = bounds(share, se, np.full(len(share), float(n)), df)
        exists, covers = ~np.isnan(low), (low <= p) & (p <= high)
        rows.append(
            {
                "design": name, "n": n, "p": p, "interval": interval, "replications": replications,
                "coverage": covers.mean(), "missed_below": (high < p).mean(), "missed_above": (low > p).mean(),
                "no_interval": (~exists).mean(), "missed_at_0_or_1": (sure & exists & ~covers).mean(),
                "mean_width": (high - low)[exists].mean(), "deff": share.var() / (p * (1 - p) / n),
                "kish": np.concatenate(kish).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def cells() -> Iterator[tuple[str, int, float]]:
    """Design, n and p of every cell."""
    return ((name, n, p) for name in PLANS for n in SIZES for p in SHARES)


def compare_with_motivlab() -> None:
    """Compare a few samples of every design with what ``motivlab.prevalence`` makes of them.

    Raises
    ------
    ValueError
        If an estimate, standard error, df or bound differs by more than 1e-10.
    """
    for name, n, p in ((name, n, p) for name in PLANS for n, p in ((50, 0.02), (200, 0.1), (200, 0.5))):
        samples = sample(cell_generator(name, n, p), PLANS[name], n, p, 3)
        share, se, df = estimate(samples)
        for i in range(3):
            frame = pd.DataFrame({"q/yes": samples.answer[i].astype(int), "w": samples.weight[i]})
            frame["c"] = np.arange(n) // CLUSTER
            survey = ml.Survey.from_frame(frame, weight="w", cluster="c" if samples.clustered else None)
            for interval, bounds in INTERVALS.items():
                numbers = ml.prevalence(survey, "q", interval=interval).frame.set_index("item").loc["yes"]  # type: ignore[arg-type]
                low, high = bounds(share[i : i + 1], se[i : i + 1], np.array([float(n)]), df[i : i + 1])
                ours = np.array([share[i], se[i], df[i], low[0], high[0]])
                theirs = numbers[["estimate", "se", "df", "ci_low", "ci_high"]].to_numpy(dtype=float)
                if not np.allclose(ours, theirs, rtol=0, atol=1e-10, equal_nan=True):
                    raise ValueError(
                        f"sample {i} of {name}, n = {n}, p = {p}, {interval}: {ours.tolist()} here and "
                        f"{theirs.tolist()} by motivlab.prevalence (estimate, se, df, low, high). "
                        "Bring `estimate` here up to date."
                    )


def simulate(file: Path) -> pd.DataFrame:
    """Every cell, written to a file."""
    compare_with_motivlab()
    frame = pd.concat([cell(*of) for of in cells()], ignore_index=True)
    frame.to_csv(file, index=False, float_format="%.6g", lineterminator="\n")
    return read(file)


def read(file: Path) -> pd.DataFrame:
    """What :func:`simulate` wrote."""
    return pd.read_csv(file)


# -------------------------------------------------------------------------------------------------------- figure

STYLE: Any = {"font.family": "DejaVu Sans", "font.size": 7.5, "svg.hashsalt": "motivlab", "svg.fonttype": "path"}
LINES: dict[str, dict[str, Any]] = {
    "korn-graubard": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "wilson": {"color": "#D55E00", "marker": "s", "linestyle": (0, (4, 1.5))},
    "logit": {"color": "#009E73", "marker": "^", "linestyle": (0, (1, 1))},
}
WIDTH, HEIGHT = 7.4, 10.2  # inches: an A4 page less its margins
TICKS = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.6, 0.0)
SOME = 0.0005  # of the samples: fewer without an interval are not spoken of
OFFSET = 0.01  # keeps the logarithm of the share missed finite where nothing is missed


def band(replications: int) -> float:
    """Half the width of the 95 % Monte-Carlo band around a coverage of 95 %."""
    return float(1.96 * np.sqrt(0.95 * 0.05 / replications))


def plot(frame: pd.DataFrame, file: Path) -> None:
    """Draw the coverage: a row of panels per design, a column per n, a line per interval."""
    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, HEIGHT))
        panels = figure.subplots(len(PLANS), len(SIZES), sharex=True, sharey=True, squeeze=False)
        figure.subplots_adjust(left=0.075, right=0.995, top=0.907, bottom=0.082, wspace=0.09, hspace=0.46)
        for row, (name, plan) in zip(panels, PLANS.items(), strict=True):
            for ax, n in zip(row, SIZES, strict=True):
                _panel(ax, frame[(frame["design"] == name) & (frame["n"] == n)])
                ax.set_title(f"n = {n}" + (f", {n // CLUSTER} clusters" if plan.clustered else ""), size=7, pad=3)
            heading = plan.label[0].upper() + plan.label[1:]
            row[0].annotate(
                heading, (0, 1), (0, 15), xycoords="axes fraction", textcoords="offset points", size=8.5, weight="bold"
            )
            row[0].set_ylabel("coverage, %", labelpad=2)
        for ax in panels[-1]:
            ax.set_xlabel("true share, %", labelpad=2)
        replications = int(frame["replications"].iloc[0])
        figure.text(
            0.01, 0.992, f"Coverage of 95 % intervals in {replications:,} simulated samples per point",
            size=11, weight="bold", va="top",
        )  # fmt: skip
        # first the line at 95 %, then one per interval, then logit where it exists
        labels = [
            f"nominal 95 % ± {100 * band(replications):.1f} (Monte Carlo)", "Korn-Graubard", "Wilson",
            "logit, not existing counts as missed", "logit, of the samples where it exists",
        ]  # fmt: skip
        figure.legend(
            panels[0, 0].lines, labels, loc="upper left", bbox_to_anchor=(0.003, 0.975), ncols=3, frameon=False,
            handlelength=3.2, columnspacing=1.6, borderaxespad=0, fontsize=7.5,
        )  # fmt: skip
        figure.text(
            0.01, 0.006,
            f"The vertical scale is the logarithm of the share of samples missed plus {100 * OFFSET:g} %: finer near "
            "100 %, and nothing is cut off.\n"
            f"Clusters: {CLUSTER} respondents each, intra-cluster correlation {CORRELATION:g}. Unequal weights: "
            f"lognormal, Kish design effect {KISH:g}.\n"
            f"Related to the answer: its odds are {ODDS:g} times as high per standard deviation of the log weight.",
            size=6.5, va="bottom", linespacing=1.4,
        )  # fmt: skip
        figure.savefig(file, dpi=200, metadata={"Date": None, "Creator": None} if file.suffix == ".svg" else None)


def _panel(ax: Axes, rows: pd.DataFrame) -> None:
    at = np.arange(len(SHARES))
    half = band(int(rows["replications"].iloc[0]))
    ax.set_yscale(
        "function", functions=(lambda y: -np.log(np.maximum(1 - y, 0) + OFFSET), lambda s: 1 + OFFSET - np.exp(-s))
    )
    ax.axhspan(0.95 - half, 0.95 + half, color="#c4c4c4", linewidth=0)
    ax.axhline(0.95, color="#222222", linewidth=0.35, zorder=1.5)
    for interval, look in LINES.items():
        values = rows[rows["interval"] == interval].sort_values("p")
        ax.plot(at, values["coverage"], markersize=3, linewidth=1.1, **look)
    absent = values["no_interval"].to_numpy()
    where = np.where(absent >= SOME, values["coverage"] / (1 - absent), np.nan)
    ax.plot(
        at, where, markersize=3.4, linewidth=0.7, markerfacecolor="white", color=look["color"], marker="v", zorder=1.9
    )
    ax.set_ylim(0.0, 1.0)
    ax.set_yticks(TICKS, [f"{100 * tick:.0f}" for tick in TICKS])
    ax.set_yticks([], minor=True)
    ax.set_xticks(at, [f"{100 * p:g}" for p in SHARES], size=6.3)
    ax.set_xlim(-0.4, len(at) - 0.6)
    ax.tick_params(labelsize=6.3, length=2, pad=2, labelbottom=True)
    ax.grid(axis="y", color="#e3e3e3", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


# ---------------------------------------------------------------------------------------------------------- page

LOW = 0.93  # coverage below this is printed bold
ENOUGH = 10  # n times the share


def percent(value: float) -> str:
    """A share in words: 0.9312 is 93.1 %."""
    return f"{100 * value:.1f} %"


def between(values: pd.Series) -> str:
    """The range of some shares in words."""
    return f"{percent(values.min())} to {percent(values.max())}"


def place(row: pd.Series) -> str:
    """A cell in words."""
    return f"a share of {100 * row['p']:g} %, n = {row['n']}, {PLANS[row['design']].label}"


def statements(frame: pd.DataFrame) -> dict[str, str]:
    """What the simulation shows of each interval; the docstrings in motivlab/intervals.py say it in the same words."""
    of = {interval: rows.reset_index(drop=True) for interval, rows in frame.groupby("interval")}
    enough = {interval: rows[rows["n"] * rows["p"] >= ENOUGH]["coverage"] for interval, rows in of.items()}
    worst = {interval: rows.loc[rows["coverage"].idxmin()] for interval, rows in of.items()}
    beta, score, odds = (of[interval] for interval in INTERVALS)
    even = beta[beta["design"].isin(["equal", "equal_clusters"])]["coverage"]
    unequal = beta[beta["design"] == "unequal"]
    uneven, related = unequal.loc[unequal["coverage"].idxmin()], worst["korn-graubard"]
    common = score[(score["design"] == "equal_clusters") & (score["p"] >= 0.2)]
    five, many = (common[common["n"] == n]["coverage"] for n in (min(SIZES), max(SIZES)))
    absent = odds.loc[odds["no_interval"].idxmax()]
    exists = odds["coverage"] / (1 - odds["no_interval"])
    return {
        "korn-graubard": (
            "In a simulation the 95 % interval is conservative with equal weights, most of all for small shares: it "
            f"covers the share in {between(even)} of samples. With unequal weights it fails for small shares: coverage "
            f"falls to {percent(uneven['coverage'])} ({place(uneven)}) and to {percent(related['coverage'])} "
            f"({place(related)}). One reason is that at an estimate of 0 it takes n as if weights were equal: in "
            f"{percent(related['missed_at_0_or_1'])} of the latter samples the estimate is 0 and the interval ends "
            f"below the share. Where n times the share is {ENOUGH} or more, coverage is "
            f"{between(enough['korn-graubard'])}."
        ),
        "wilson": (
            "The normal quantile knows nothing of degrees of freedom, so that the interval is too short where clusters "
            f"are few. In a simulation with {min(SIZES) // CLUSTER} clusters and equal weights the 95 % interval "
            f"covers shares of 20 % to 50 % in {between(five)} of samples, with {max(SIZES) // CLUSTER} clusters in "
            f"{between(many)}. It fails for small shares under unequal weights, too: coverage falls to "
            f"{percent(worst['wilson']['coverage'])} ({place(worst['wilson'])})."
        ),
        "logit": (
            "Of small shares in small samples there is often no interval: in a simulation in up to "
            f"{percent(absent['no_interval'])} of samples ({place(absent)}). Counted as not covering, they leave a "
            f"coverage of {percent(worst['logit']['coverage'])} there; where it exists, the 95 % interval covers the "
            f"share in {between(exists)} of samples. Where n times the share is {ENOUGH} or more, coverage is "
            f"{between(enough['logit'])}."
        ),
    }


def grid(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """A Markdown table; its first columns are texts."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _number(share: float) -> str:
    return f"{100 * share:.1f}"


def _coverage_table(rows: pd.DataFrame) -> str:
    value = rows.set_index(["n", "p", "interval"])["coverage"]

    def text(n: int, p: float, interval: str) -> str:
        share = value[n, p, interval]
        return f"**{_number(share)}**" if share < LOW else _number(share)

    body = [[str(n), *(" / ".join(text(n, p, interval) for interval in INTERVALS) for p in SHARES)] for n in SIZES]
    return grid(["n", *(f"{100 * p:g} %" for p in SHARES)], body)


def _summary(frame: pd.DataFrame) -> str:
    wilson = frame[frame["interval"] == "wilson"].set_index(["design", "n", "p"])["mean_width"]
    body = []
    for name, plan in PLANS.items():
        for interval in INTERVALS:
            rows = frame[(frame["design"] == name) & (frame["interval"] == interval)].set_index(["design", "n", "p"])
            low = rows["coverage"].idxmin()
            body.append(
                [
                    plan.label, interval, _number(rows["coverage"].min()), f"{100 * low[2]:g} %, {low[1]}",
                    _number(rows["coverage"].median()), _number(rows["coverage"].max()),
                    f"{(rows['coverage'] < LOW).sum()} of {len(rows)}", _number(rows["missed_below"].mean()),
                    _number(rows["missed_above"].mean()), _number(rows["no_interval"].mean()),
                    f"{(rows['mean_width'] / wilson).median():.3f}",
                ]
            )  # fmt: skip
    head = ["design", "interval", "lowest", "at share, n", "median", "highest", f"below {100 * LOW:g} %",
            "missed below", "missed above", "no interval", "width"]  # fmt: skip
    return grid(head, body, texts=2)


def _worst(frame: pd.DataFrame, count: int = 5) -> str:
    body = []
    for interval in INTERVALS:
        rows = frame[frame["interval"] == interval].sort_values("coverage", kind="stable").head(count)
        body += [
            [
                interval, PLANS[row["design"]].label, f"{100 * row['p']:g} %", str(row["n"]), _number(row["coverage"]),
                _number(row["missed_below"]), _number(row["missed_at_0_or_1"]), _number(row["missed_above"]),
                _number(row["no_interval"]),
            ]
            for _, row in rows.iterrows()
        ]  # fmt: skip
    head = ["interval", "design", "share", "n", "coverage", "missed below", "of these at 0 or 1", "missed above",
            "no interval"]  # fmt: skip
    return grid(head, body, texts=2)


def _absent(frame: pd.DataFrame) -> str:
    rows = frame[frame["interval"] == "logit"].pivot_table("no_interval", ["design", "n"], "p")
    body = [
        [PLANS[name].label, str(n), *(_number(rows.at[(name, n), p]) for p in SHARES)]
        for name in PLANS
        for n in SIZES
        if rows.loc[(name, n)].max() >= SOME
    ]
    return grid(["design", "n", *(f"{100 * p:g} %" for p in SHARES)], body)


def _samples(frame: pd.DataFrame) -> str:
    rows = frame[frame["interval"] == "wilson"].groupby("design")[["kish", "deff"]].mean()
    body = [
        [plan.label, f"{rows.loc[name, 'kish']:.2f}", f"{rows.loc[name, 'deff']:.2f}"] for name, plan in PLANS.items()
    ]
    return grid(["design", "Kish design effect of the weights", "variance of the estimate over p(1-p)/n"], body)


def page(frame: pd.DataFrame) -> str:
    """What was simulated, what it shows, and the tables."""
    replications = int(frame["replications"].iloc[0])
    fails = "\n".join(f"- **{interval}**: {said}" for interval, said in statements(frame).items())
    shares = ", ".join(f"{100 * p:g} %" for p in SHARES)
    tables = "\n\n".join(
        f"### {plan.label[0].upper()}{plan.label[1:]}\n\n{_coverage_table(frame[frame['design'] == name])}"
        for name, plan in PLANS.items()
    )
    return f"""\
# Coverage of the 95 % intervals

Made by `python tests/benchmarks/coverage.py`; nothing here is written by hand. `--draw` makes this page and the figure
again from `coverage.csv`.

![Coverage by true share, n and design](coverage.svg)

## What was simulated

{replications:,} samples for each true share ({shares}), each n ({", ".join(map(str, SIZES))}) and each design:

- *Equal* weights, or *unequal* ones: lognormal, of a Kish design effect of {KISH:g} in the population, drawn without
  regard to the answer.
- Weights *related* to the answer: the odds of the answer are {ODDS:g} times as high per standard deviation of the
  logarithm of the weight, so that those who are seldom reached have it more often. The weighted share is the true one.
- No clusters, or *clusters* of {CLUSTER} respondents with an intra-cluster correlation of {CORRELATION:g}
  (beta-binomial): {min(SIZES) // CLUSTER} to {max(SIZES) // CLUSTER} of them.

No strata, no finite population correction. Estimate, standard error and degrees of freedom are those of
`motivlab.prevalence`; the script stops if they differ from it by more than 1e-10 on a few samples of every design. Each
case has random numbers of its own (seed {SEED}). What the samples were like, on average:

{_samples(frame)}

A coverage of 95 % is simulated to within {100 * band(replications):.2f} percentage points, 95 times of 100.

## What fails

{fails}

The five lowest coverages of each interval, in percent of samples:

{_worst(frame)}

*Missed below*: the interval ends below the true share. *Of these at 0 or 1*: those whose estimate is 0 or 1, and so
its standard error 0. *Missed above*: the interval begins above the true share. *No interval*: the estimate is 0 or 1,
where logit has none; it counts as not covering.

## Summary

Over the {len(SIZES) * len(SHARES)} cases of each design, in percent of samples. *Missed* and *no interval* are means
over the cases. *Width* is the mean width as a multiple of Wilson's, the median over the cases; logit's is taken where
it exists.

{_summary(frame)}

## Coverage

{" / ".join(INTERVALS)}, in percent; bold below {100 * LOW:g} %.

{tables}

## Where logit does not exist

Percent of samples with an estimate of 0 or 1, where there are any to speak of.

{_absent(frame)}
"""


def write(frame: pd.DataFrame, folder: Path) -> None:
    """The figure and the page, from the numbers."""
    plot(frame, folder / "coverage.svg")
    (folder / "coverage.md").write_text(page(frame), encoding="utf-8", newline="\n")


def main() -> None:
    """Simulate, unless only the figure and the page are wanted; draw."""
    parser = argparse.ArgumentParser(description="Simulate the coverage of the 95 % intervals.")
    parser.add_argument("--draw", action="store_true", help="make only the figure and the page, from coverage.csv")
    file = HERE / "coverage.csv"
    write(read(file) if parser.parse_args().draw else simulate(file), HERE)


if __name__ == "__main__":
    main()
