//! What calls were about, and what those cost that cannot lead to a visit: calls, shares, minutes, money, each against the
//! period before.
//!
//! The share is of calls *that have a category*. Calls without one (mostly those nobody answered) and calls whose tag waits
//! for a person are counted apart and shown, and the share comes with the range it would have if every doubtful tag were
//! wrong.

use std::collections::BTreeMap;

use records::CategoryTotal;
use serde::{Deserialize, Serialize};

use crate::{Amount, Share};

/// Whether a call may lead to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountsAs {
    /// A potential client.
    Target,
    /// A call that cannot lead to a visit.
    NonTarget,
}

/// What a report needs to know of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryInfo {
    /// As stored with calls.
    pub id: String,
    /// Russian title.
    pub title_ru: String,
    /// English title.
    pub title_en: String,
    /// Target or not.
    pub counts_as: CountsAs,
    /// Whether such calls may bring a sale though not a visit.
    pub may_sell: bool,
    /// Whether such calls may end in a booking all the same.
    pub may_book: bool,
    /// What the clinic can do about it, in Russian; may be empty.
    pub advice_ru: String,
    /// The same in English.
    pub advice_en: String,
}

/// Some calls in one period.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many.
    pub calls: i64,
    /// Of them, tags that wait for a person.
    pub review: i64,
    /// Of all calls that have a category.
    pub share: Option<Share>,
    /// Talk, hold and after-call work, milliseconds.
    pub time_ms: i64,
    /// What that time cost; none when the clinic's price of a minute is not known.
    pub cost: Option<Amount>,
}

/// By how much figures differ from those of the period before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Calls.
    pub calls: i64,
    /// Tenths of a percentage point; none when either period has no calls with a category.
    pub share_tenths_pp: Option<i64>,
    /// Milliseconds.
    pub time_ms: i64,
    /// Money, both periods at today's price of a minute.
    pub cost: Option<Amount>,
}

/// Figures beside those of the period before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The period.
    pub now: Figures,
    /// The period before; none when it has no calls at all.
    pub before: Option<Figures>,
    /// The difference; none when there is nothing to compare with.
    pub change: Option<Change>,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which.
    #[serde(flatten)]
    pub category: CategoryInfo,
    /// How much.
    #[serde(flatten)]
    pub figures: Compared,
}

/// What calls were about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NonTarget {
    /// Every category of the clinic, the dearest first.
    pub rows: Vec<Row>,
    /// All calls that have a category.
    pub tagged: Compared,
    /// Those that may lead to a visit.
    pub target: Compared,
    /// Those that cannot.
    pub non_target: Compared,
    /// Calls without a category, mostly lost ones, and calls of categories the clinic no longer has.
    pub untagged: Compared,
    /// The share of non-target calls if every doubtful tag were wrong one way, and the other way.
    pub doubtful_range: Option<(Share, Share)>,
    /// Ids of categories found with calls that are not among the clinic's.
    pub unknown_categories: Vec<String>,
    /// Price of a minute used for all money here.
    pub minute_cost: Option<Amount>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    calls: i64,
    review: i64,
    time_ms: i64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.review += other.review;
        self.time_ms += other.time_ms;
    }
}

/// One period's sums: by category, and over groups of them.
#[derive(Default)]
struct Sums<'a> {
    by_category: BTreeMap<&'a str, Sum>,
    target: Sum,
    non_target: Sum,
    untagged: Sum,
    unknown: Vec<String>,
}

impl<'a> Sums<'a> {
    fn of(totals: &'a [CategoryTotal], categories: &[CategoryInfo]) -> Self {
        let mut sums = Self::default();
        for total in totals {
            let sum = Sum { calls: total.calls, review: total.review, time_ms: total.talk_ms + total.acw_ms };
            let id = total.category.as_deref();
            match id.and_then(|id| categories.iter().find(|category| category.id == id)) {
                Some(known) => {
                    sums.by_category.entry(id.unwrap_or_default()).or_default().add(sum);
                    match known.counts_as {
                        CountsAs::Target => sums.target.add(sum),
                        CountsAs::NonTarget => sums.non_target.add(sum),
                    }
                }
                None => {
                    sums.unknown.extend(id.map(str::to_owned));
                    sums.untagged.add(sum);
                }
            }
        }
        sums
    }

    fn tagged(&self) -> Sum {
        let mut all = self.target;
        all.add(self.non_target);
        all
    }

    fn is_empty(&self) -> bool {
        self.tagged().calls + self.untagged.calls == 0
    }

    fn figures(&self, sum: Sum, has_share: bool, minute_cost: Option<&Amount>) -> Figures {
        Figures {
            calls: sum.calls,
            review: sum.review,
            share: if has_share { Share::of(sum.calls, self.tagged().calls) } else { None },
            time_ms: sum.time_ms,
            cost: minute_cost.map(|minute| minute.of_ms(sum.time_ms)),
        }
    }
}

/// What calls were about. `now` and `before` are the sums by category of both periods.
pub fn non_target(
    now: &[CategoryTotal],
    before: &[CategoryTotal],
    categories: &[CategoryInfo],
    minute_cost: Option<&Amount>,
) -> NonTarget {
    let (now, before) = (Sums::of(now, categories), Sums::of(before, categories));
    let compare = |pick: &dyn Fn(&Sums) -> Sum, has_share: bool| {
        let current = now.figures(pick(&now), has_share, minute_cost);
        let earlier = (!before.is_empty()).then(|| before.figures(pick(&before), has_share, minute_cost));
        Compared { change: earlier.as_ref().map(|earlier| change(&current, earlier)), now: current, before: earlier }
    };
    let row = |category: &CategoryInfo| Row {
        category: category.clone(),
        figures: compare(&|sums| sums.by_category.get(category.id.as_str()).copied().unwrap_or_default(), true),
    };
    let mut rows: Vec<Row> = categories.iter().map(row).collect();
    // Cost grows with time, so this is the order of cost as well; it stays the same when no price is known.
    rows.sort_by_key(|row| (-row.figures.now.time_ms, -row.figures.now.calls));
    let (tagged, sure) = (now.tagged(), now.non_target.calls - now.non_target.review);
    let range = (Share::of(sure, tagged.calls), Share::of(now.non_target.calls + now.target.review, tagged.calls));
    NonTarget {
        rows,
        tagged: compare(&|sums| sums.tagged(), true),
        target: compare(&|sums| sums.target, true),
        non_target: compare(&|sums| sums.non_target, true),
        untagged: compare(&|sums| sums.untagged, false),
        doubtful_range: range.0.zip(range.1),
        unknown_categories: now.unknown.clone(),
        minute_cost: minute_cost.cloned(),
    }
}

fn change(now: &Figures, before: &Figures) -> Change {
    Change {
        calls: now.calls - before.calls,
        share_tenths_pp: now.share.zip(before.share).map(|(now, before)| now.points_since(before)),
        time_ms: now.time_ms - before.time_ms,
        cost: now.cost.as_ref().zip(before.cost.as_ref()).and_then(|(now, before)| now.since(before)),
    }
}

impl Row {
    /// Whether there is anything to show: a call in either period.
    pub fn is_used(&self) -> bool {
        self.figures.now.calls > 0 || self.figures.before.as_ref().is_some_and(|before| before.calls > 0)
    }
}

#[cfg(test)]
mod tests;
