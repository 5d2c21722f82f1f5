//! The one sentence a manager remembers.

use serde::Serialize;

use crate::non_target::{NonTarget, Row};
use crate::{Amount, CountsAs, Lang, Report, Share};

/// What the report comes down to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Calls that cannot lead to a visit, of those that have a category.
    pub non_target: Share,
    /// The largest of their categories.
    pub largest: Option<Largest>,
}

/// The category most non-target calls belong to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Largest {
    /// Its id.
    pub category: String,
    /// Its calls, of all non-target ones.
    pub share: Share,
}

/// The sentence under the headline, in its parts.
pub(crate) struct Lead {
    pub(crate) begins: String,
    pub(crate) time: String,
    pub(crate) cost: Option<String>,
    pub(crate) than: String,
}

impl Headline {
    pub(crate) fn of(found: &NonTarget) -> Option<Self> {
        let largest = found
            .rows
            .iter()
            .filter(|row| row.category.counts_as == CountsAs::NonTarget && row.figures.now.calls > 0)
            .max_by_key(|row| row.figures.now.calls);
        let share = |row: &Row| Share::of(row.figures.now.calls, found.non_target.now.calls);
        let largest = largest.and_then(|row| Some(Largest { category: row.category.id.clone(), share: share(row)? }));
        Some(Self { non_target: found.non_target.now.share?, largest })
    }
}

impl Report {
    /// «38 % звонков не могут привести к приёму; треть из них — «О пациенте в стационаре». Вот что изменить.»
    pub fn headline_text(&self, lang: Lang) -> String {
        let Some(headline) = &self.headline else {
            return if self.kpis.offered + self.non_target.untagged.now.calls == 0 {
                lang.pick("За этот период звонков нет.", "There are no calls in this period.").to_owned()
            } else {
                let text = (
                    "Звонки есть, но ни у одного пока нет категории.",
                    "There are calls, but none has a category yet.",
                );
                lang.pick(text.0, text.1).to_owned()
            };
        };
        let Some(largest) = &headline.largest else {
            return lang
                .pick(
                    "Все звонки с категорией могут привести к приёму.",
                    "Every call with a category may lead to a visit.",
                )
                .to_owned();
        };
        let percent = lang.rough_share(headline.non_target);
        let part = lang.fraction(largest.share);
        let title = self.title(&largest.category, lang);
        let all = largest.share.part() == largest.share.whole();
        match (lang, all) {
            (Lang::Ru, false) => {
                format!("{percent} звонков не могут привести к приёму; {part} из них — «{title}». Вот что изменить.")
            }
            (Lang::Ru, true) => {
                format!("{percent} звонков не могут привести к приёму; все они — «{title}». Вот что изменить.")
            }
            (Lang::En, false) => {
                format!(
                    "{percent} of calls cannot lead to a visit; {part} of those are “{title}”. Here is what to change."
                )
            }
            (Lang::En, true) => {
                format!(
                    "{percent} of calls cannot lead to a visit; all of those are “{title}”. Here is what to change."
                )
            }
        }
    }

    /// What the non-target calls took; none when there were none.
    pub(crate) fn lead(&self, lang: Lang) -> Option<Lead> {
        let found = &self.non_target.non_target;
        if found.now.calls == 0 {
            return None;
        }
        let than = found.change.as_ref().map(|change| {
            let (sign, size) = match &change.cost {
                Some(cost) => {
                    let size = Amount::new(cost.minor.saturating_abs(), &*cost.currency);
                    (cost.minor.signum(), lang.money(&size))
                }
                None => (change.time_ms.signum(), lang.duration(change.time_ms.saturating_abs())),
            };
            let before = lang.period(self.before);
            match (lang, sign) {
                (Lang::Ru, 0) => format!(" — столько же, сколько за {before}"),
                (Lang::Ru, 1) => format!(" — на {size} больше, чем за {before}"),
                (Lang::Ru, _) => format!(" — на {size} меньше, чем за {before}"),
                (Lang::En, 0) => format!(", as much as in {before}"),
                (Lang::En, 1) => format!(", {size} more than in {before}"),
                (Lang::En, _) => format!(", {size} less than in {before}"),
            }
        });
        let period = lang.period(self.period);
        Some(Lead {
            begins: lang.pick(format!("За {period} такие разговоры заняли "), format!("In {period} such calls took ")),
            time: lang.duration(found.now.time_ms),
            cost: found.now.cost.as_ref().map(|cost| lang.money(cost)),
            than: than.unwrap_or_default(),
        })
    }

    /// The same as a sentence: what the non-target calls took, and whether that is more than before.
    pub fn lead_text(&self, lang: Lang) -> Option<String> {
        let lead = self.lead(lang)?;
        let cost = lead.cost.map(|cost| format!("{}{cost}", lang.pick(" и обошлись в ", " and cost ")));
        Some(format!("{}{}{}{}.", lead.begins, lead.time, cost.unwrap_or_default(), lead.than))
    }

    /// A category's title; its id if the clinic does not have it.
    pub(crate) fn title<'a>(&'a self, id: &'a str, lang: Lang) -> &'a str {
        let row = self.non_target.rows.iter().find(|row| row.category.id == id);
        row.map_or(id, |row| lang.pick(&row.category.title_ru, &row.category.title_en))
    }
}

impl Lang {
    /// A fraction in words where it is within two points of one, else a percentage.
    fn fraction(self, share: Share) -> String {
        match share.permille() {
            235..=265 => self.pick("четверть", "a quarter").to_owned(),
            313..=353 => self.pick("треть", "a third").to_owned(),
            480..=520 => self.pick("половина", "half").to_owned(),
            647..=687 => self.pick("две трети", "two thirds").to_owned(),
            735..=765 => self.pick("три четверти", "three quarters").to_owned(),
            _ => self.rough_share(share),
        }
    }
}
