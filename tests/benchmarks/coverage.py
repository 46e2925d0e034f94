"""Coverage of the 95 % intervals of ``motivlab.intervals``, by simulation: ``python tests/benchmarks/coverage.py``.

It writes coverage.csv, coverage.svg and coverage.md beside itself, in some minutes; ``--draw`` makes the figure and the
page again from coverage.csv.

What goes into an interval is computed here for thousands of samples at once. Before anything is simulated it is
compared with :func:`motivlab.prevalence` on a few samples of every design, some of them with nobody or everybody.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
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
SHARES_IN_WORDS = [f"{100 * p:g} %" for p in SHARES]
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

    @cached_property
    def effective(self) -> Floats:
        """Kish's effective size of each sample."""
        return np.asarray(self.weight.sum(axis=1) ** 2 / (self.weight**2).sum(axis=1))


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


def estimate(samples: Samples) -> tuple[Floats, Floats, Floats, Floats]:
    """Share, linearised error, n and df of each sample, as in motivlab."""
    w, wy = samples.weight, samples.weight * samples.answer
    n, per = w.shape[1], CLUSTER if samples.clustered else 1
    units = n // per
    total = w.sum(axis=1)
    p = wy.sum(axis=1) / total
    wy, w = (values.reshape(-1, units, per).sum(axis=2) for values in (wy, w))
    z = (wy - p[:, None] * w) / total[:, None]  # of each unit; their sum is 0
    se = np.sqrt(units / (units - 1) * (z**2).sum(axis=1))
    return p, se, np.full(len(p), float(n)), np.full(len(p), units - 1.0)


def cell(name: str, n: int, p: float, replications: int = REPLICATIONS) -> pd.DataFrame:
    """One cell: a row per interval."""
    rng, chunk = cell_generator(name, n, p), max(1, CHUNK // n)
    parts = []
    for start in range(0, replications, chunk):
        samples = sample(rng, PLANS[name], n, p, min(chunk, replications - start))
        parts.append((samples.effective, *estimate(samples)))
    effective, share, se, size, df = (np.concatenate(part) for part in zip(*parts, strict=True))
    sure = (share <= 0) | (share >= 1)
    rows = []
    for interval, bounds in INTERVALS.items():
        low, high = bounds(share, se, size, df, size=effective)
        exists, covers = ~np.isnan(low), (low <= p) & (p <= high)
        rows.append(
            {
                "design": name, "n": n, "p": p, "interval": interval, "replications": replications,
                "coverage": covers.mean(), "missed_below": (high < p).mean(), "missed_above": (low > p).mean(),
                "no_interval": (~exists).mean(), "missed_at_0_or_1": (sure & exists & ~covers).mean(),
                "mean_width": (high - low)[exists].mean(), "deff": share.var() / (p * (1 - p) / n),
                "kish": (n / effective).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def cells() -> Iterator[tuple[str, int, float]]:
    """Design, n and p of every cell."""
    return ((name, n, p) for name in PLANS for n in SIZES for p in SHARES)


def compare_with_motivlab() -> None:
    """Compare a few samples of every design, one of 0 % and one of 100 % included, with ``motivlab.prevalence``.

    Raises
    ------
    ValueError
        If an estimate, standard error, df or bound differs by more than 1e-10.
    """
    for name, n, p in ((name, n, p) for name in PLANS for n, p in ((50, 0.02), (200, 0.1), (200, 0.5))):
        samples = sample(cell_generator(name, n, p), PLANS[name], n, p, 5)
        samples.answer[3], samples.answer[4] = 0, 1
        share, se, size, df = estimate(samples)
        for i, (weight, answer) in enumerate(zip(samples.weight, samples.answer, strict=True)):
            frame = pd.DataFrame({"q/yes": answer.astype(int), "w": weight, "c": np.arange(n) // CLUSTER})
            survey = ml.Survey.from_frame(frame, weight="w", cluster="c" if samples.clustered else None)
            for interval, bounds in INTERVALS.items():
                numbers = ml.prevalence(survey, "q", interval=interval).frame.set_index("item").loc["yes"]  # type: ignore[arg-type]
                low, high = bounds(share, se, size, df, size=samples.effective)
                ours = np.array([share[i], se[i], df[i], low[i], high[i]])
                theirs = numbers[["estimate", "se", "df", "ci_low", "ci_high"]].to_numpy(dtype=float)
                if not np.allclose(ours, theirs, rtol=0, atol=1e-10, equal_nan=True):
                    raise ValueError(
                        f"sample {i} of {name}, n = {n}, p = {p}, {interval}: {ours.tolist()} here and "
                        f"{theirs.tolist()} by motivlab.prevalence (estimate, se, df, low, high). Correct `estimate`."
                    )


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
        title = f"Coverage of 95 % intervals in {replications:,} simulated samples per point"
        figure.text(0.01, 0.992, title, size=11, weight="bold", va="top")
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
    ax.plot(at, where, color=look["color"], marker="v", markersize=3.4, mfc="white", linewidth=0.7, zorder=1.9)
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
SHORT = 0.94  # coverage below this is spoken of
ENOUGH = 10  # n times the share


def percent(value: float) -> str:
    """A share in words: 0.9312 is 93.1 %."""
    return f"{100 * value:.1f} %"


def between(values: pd.Series) -> str:
    """The range of some shares in words."""
    return f"{percent(values.min())} to {percent(values.max())}"


def among(rows: pd.DataFrame, *designs: str) -> pd.DataFrame:
    """The rows of some designs."""
    return rows[rows["design"].isin(designs)]


def lowest(rows: pd.DataFrame) -> str:
    """The lowest coverage in words, and its case."""
    row = rows.loc[rows["coverage"].idxmin()]
    return f"{percent(row['coverage'])} ({place(row)})"


def place(row: pd.Series) -> str:
    """A case in words."""
    return f"a share of {100 * row['p']:g} %, n = {row['n']}, {PLANS[row['design']].label}"


def statements(frame: pd.DataFrame) -> dict[str, str]:
    """What the simulation shows of each interval; the docstrings in motivlab/intervals.py say it in the same words."""
    beta, score, odds = (frame[frame["interval"] == interval] for interval in INTERVALS)
    fair, uneven = among(beta, "equal", "equal_clusters"), among(beta, "unequal", "related", "unequal_clusters")
    short = uneven[uneven["coverage"] < SHORT]
    few = short["n"] * short["p"]
    common = among(score[score["p"] >= 0.2], "equal_clusters").groupby("n")["coverage"]
    absent = odds.loc[odds["no_interval"].idxmax()]
    exists = odds["coverage"] / (1 - odds["no_interval"])
    enough = [between(rows[rows["n"] * rows["p"] >= ENOUGH]["coverage"]) for rows in (beta, odds)]
    return {
        "korn-graubard": (
            "In a simulation the 95 % interval is conservative with equal weights, most of all for small shares: it "
            f"covers the share in {between(fair['coverage'])} of samples. With unequal weights it falls short where "
            f"few have the answer: coverage is below {100 * SHORT:g} % in {len(short)} of {len(uneven)} cases, in "
            f"which n times the share is {few.min():g} to {few.max():g}, and lowest at "
            f"{lowest(among(beta, 'unequal', 'related'))} and, with clusters, at "
            f"{lowest(among(beta, 'unequal_clusters'))}. In these cases the interval ends below the share in "
            f"{between(short['missed_below'])} of samples, in at most {percent(short['missed_at_0_or_1'].max())} with "
            f"an estimate of 0. Where n times the share is {ENOUGH} or more, coverage is {enough[0]}."
        ),
        "wilson": (
            "The normal quantile knows nothing of degrees of freedom, so that the interval is too short where clusters "
            f"are few. In a simulation with {min(SIZES) // CLUSTER} clusters and equal weights the 95 % interval "
            f"covers shares of 20 % to 50 % in {between(common.get_group(min(SIZES)))} of samples, with "
            f"{max(SIZES) // CLUSTER} clusters in {between(common.get_group(max(SIZES)))}. It falls short for small "
            f"shares, too: coverage goes down to {lowest(among(score, 'equal'))}, to "
            f"{lowest(among(score, 'unequal', 'related'))} and, with clusters, to "
            f"{lowest(among(score, 'equal_clusters', 'unequal_clusters'))}."
        ),
        "logit": (
            "Of small shares in small samples there is often no interval: in a simulation in up to "
            f"{percent(absent['no_interval'])} of samples ({place(absent)}). Counted as not covering, they leave a "
            f"coverage of {percent(odds['coverage'].min())} there; where it exists, the 95 % interval covers the "
            f"share in {between(exists)} of samples. Where n times the share is {ENOUGH} or more, coverage is "
            f"{enough[1]}."
        ),
    }


def grid(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """A Markdown table; its first columns are texts."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _number(share: float) -> str:
    return f"{100 * share:.1f}"


def _coverage_table(rows: pd.DataFrame) -> str:
    text = rows["coverage"].map(lambda share: f"**{_number(share)}**" if share < LOW else _number(share))
    joined = text.groupby([rows["n"], rows["p"]]).agg(" / ".join)
    return grid(["n", *SHARES_IN_WORDS], [[str(n), *joined[n]] for n in SIZES])


def _summary(frame: pd.DataFrame) -> str:
    wilson = frame[frame["interval"] == "wilson"].set_index(["design", "n", "p"])["mean_width"]
    body = []
    for (name, interval), rows in frame.set_index(["design", "n", "p"]).groupby(["design", "interval"], sort=False):
        low = rows["coverage"].idxmin()
        body.append(
            [
                PLANS[name].label, interval, _number(rows["coverage"].min()), f"{100 * low[2]:g} %, {low[1]}",
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
    shown = ["coverage", "missed_below", "missed_at_0_or_1", "missed_above", "no_interval"]
    body = [
        [interval, PLANS[row["design"]].label, f"{100 * row['p']:g} %", str(row["n"]), *map(_number, row[shown])]
        for interval in INTERVALS
        for _, row in frame[frame["interval"] == interval].sort_values("coverage", kind="stable").head(count).iterrows()
    ]
    head = ["coverage", "missed below", "of these at 0 or 1", "missed above", "no interval"]
    return grid(["interval", "design", "share", "n", *head], body, texts=2)


def _absent(frame: pd.DataFrame) -> str:
    rows = frame[frame["interval"] == "logit"].pivot_table("no_interval", ["design", "n"], "p")
    body = [
        [PLANS[name].label, str(n), *(_number(rows.at[(name, n), p]) for p in SHARES)]
        for name in PLANS
        for n in SIZES
        if rows.loc[(name, n)].max() >= SOME
    ]
    return grid(["design", "n", *SHARES_IN_WORDS], body)


def _samples(frame: pd.DataFrame) -> str:
    rows = frame[frame["interval"] == "wilson"].groupby("design")[["kish", "deff"]].mean()
    body = [[plan.label, *(f"{mean:.2f}" for mean in rows.loc[name])] for name, plan in PLANS.items()]
    return grid(["design", "Kish design effect of the weights", "variance of the estimate over p(1-p)/n"], body)


def page(frame: pd.DataFrame) -> str:
    """What was simulated, what it shows, and the tables."""
    replications = int(frame["replications"].iloc[0])
    fails = "\n".join(f"- **{interval}**: {said}" for interval, said in statements(frame).items())
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

{replications:,} samples for each true share ({", ".join(SHARES_IN_WORDS)}), each n
({", ".join(map(str, SIZES))}) and each design:

- *Equal* weights, or *unequal* ones: lognormal, of a Kish design effect of {KISH:g} in the population, drawn without
  regard to the answer.
- Weights *related* to the answer: the odds of the answer are {ODDS:g} times as high per standard deviation of the
  logarithm of the weight, so that those who are seldom reached have it more often. The weighted share is the true one.
- No clusters, or *clusters* of {CLUSTER} respondents with an intra-cluster correlation of {CORRELATION:g}
  (beta-binomial): {min(SIZES) // CLUSTER} to {max(SIZES) // CLUSTER} of them.

No strata, no finite population correction. Estimate, standard error and degrees of freedom are those of
`motivlab.prevalence`, and so is the size where the estimate is 0 or 1: Kish's effective one. The script stops if an
interval or what goes into it differs by more than 1e-10 on a few samples of every design, some with an estimate of 0 or
1 among them. Each case has random numbers of its own (seed {SEED}). What the samples were like, on average:

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
    if not parser.parse_args().draw:
        compare_with_motivlab()
        frame = pd.concat([cell(*case) for case in cells()], ignore_index=True)
        frame.to_csv(file, index=False, float_format="%.6g", lineterminator="\n")
    write(pd.read_csv(file), HERE)


if __name__ == "__main__":
    main()
