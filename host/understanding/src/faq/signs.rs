//! What speaks for an entry being the answer, and what for there being none: numbers for [`super::weights`].

use super::Entry;
use super::likeness::likeness;
use super::meant::Meant;
use super::near::Near;
use super::topics::{Reading, covers, number, siblings};

/// What is asked, each with two signs of its own: the entry speaks of it, the entry is silent.
const ASKS: [&str; 23] = [
    "duration",
    "age",
    "howmany",
    "when_available",
    "results_when",
    "results_how",
    "prepare",
    "aftercare",
    "howto",
    "need",
    "have",
    "contra",
    "effect",
    "included",
    "bring",
    "who",
    "sell",
    "interpret",
    "risk",
    "method",
    "lifespan",
    "what_after",
    "accepts",
];

/// The signs of an entry, in the order of [`of_entry`]; those of [`ASKS`] follow.
const ENTRY: [&str; 66] = [
    "free in title",
    "more free in title",
    "free in answer",
    "free missing",
    "free elsewhere",
    "title has free unasked",
    "title has more free",
    "ask in title",
    "ask in answer",
    "ask missing",
    "ask another than title",
    "ask told beside title",
    "title ask unasked",
    "price in title",
    "price is money",
    "price nowhere",
    "price nowhere of free",
    "price unasked",
    "advice not given",
    "species in title",
    "species in answer",
    "species other",
    "species other in answer",
    "species missing",
    "kin of thing",
    "wider thing only",
    "thing in title",
    "more things in title",
    "thing in answer",
    "things missing",
    "all things missing",
    "thing nowhere",
    "title thing unasked",
    "title thing other",
    "title thing, none asked",
    "ask and thing",
    "free and thing",
    "words in title",
    "words in answer",
    "title in words",
    "rare word of title",
    "rare word of answer",
    "own words missing",
    "nothing in common",
    "only an ask",
    "only an ask, of this alone",
    "only a thing, of this alone",
    "one entry has the words",
    "several things found",
    "short and named",
    "neither free nor asked",
    "all words found",
    "sense of words in title",
    "sense of words in answer",
    "sense of title in words",
    "mean sense of title",
    "mean sense of answer",
    "title behind the nearest by sense",
    "answer behind the nearest by sense",
    "nearest by sense",
    "own words by sense",
    "meaning of title",
    "meaning of answer",
    "title behind the nearest by meaning",
    "answer behind the nearest by meaning",
    "nearest by meaning",
];

/// The signs of no entry, in the order of [`of_none`].
const NONE: [&str; 16] = [
    "none",
    "none: free nowhere",
    "none: thing nowhere",
    "none: price nowhere",
    "none: price",
    "none: advice",
    "none: own words nowhere",
    "none: short",
    "none: long",
    "none: no topic",
    "none: nearest by sense",
    "none: nearest by mean sense",
    "none: nearest own words by sense",
    "none: nearest title by meaning",
    "none: nearest answer by meaning",
    "none: nearest by meaning ahead of the next",
];

/// How many numbers a candidate has.
pub(super) const SIZE: usize = ENTRY.len() + 2 * ASKS.len() + NONE.len();

/// The names of the numbers, in their order.
pub(super) fn names() -> Vec<String> {
    let asks = ASKS.iter().flat_map(|ask| [format!("says {ask}"), format!("silent on {ask}")]);
    let entry = ENTRY.iter().map(|name| (*name).to_owned());
    entry.chain(asks).chain(NONE.iter().map(|name| (*name).to_owned())).collect()
}

fn yes(it: bool) -> f32 {
    f32::from(u8::from(it))
}

/// How rare among the entries what `speaks` finds is: 1 in one alone, less in more.
fn rarity(entries: &[Entry], speaks: impl Fn(&Entry) -> bool) -> f32 {
    let among = entries.iter().filter(|e| speaks(e)).count();
    1.0 - (among.max(1) - 1) as f32 / entries.len().max(1) as f32
}

fn best_like(words: &[String], word: &str) -> f32 {
    words.iter().map(|own| likeness(own, word)).fold(0.0, f32::max)
}

/// The numbers of one entry for a question; `near` and `sentences` have what is near in every entry, this one's at `at`.
pub(super) fn of_entry(asked: &Reading, at: usize, entries: &[Entry], near: &[Near], sentences: &Meant) -> Vec<f32> {
    let entry = &entries[at];
    let (title, answer) = (&entry.question, &entry.answer);
    let both = |a: &[usize], b: &[usize]| -> Vec<usize> { a.iter().copied().chain(b.iter().copied()).collect() };
    let mut out = Vec::with_capacity(SIZE);

    let in_title: Vec<usize> = asked.free.iter().copied().filter(|t| title.free.contains(t)).collect();
    let missing: Vec<usize> =
        asked.free.iter().copied().filter(|t| !title.free.contains(t) && !answer.free.contains(t)).collect();
    let in_answer = asked.free.len() - in_title.len() - missing.len();
    out.push(yes(!in_title.is_empty()));
    out.push(in_title.len().saturating_sub(1) as f32);
    out.push(yes(in_answer > 0));
    out.push(missing.len().min(2) as f32);
    out.push(yes(missing.iter().any(|t| entries.iter().any(|e| e.question.free.contains(t)))));
    out.push(yes(!title.free.is_empty() && in_title.is_empty()));
    out.push(yes(!in_title.is_empty() && title.free.len() > in_title.len()));

    let asks_title = asked.asks.iter().any(|t| title.asks.contains(t));
    let asks_answer = asked.asks.iter().any(|t| !title.asks.contains(t) && answer.asks.contains(t));
    out.push(yes(asks_title));
    out.push(yes(asks_answer));
    out.push(yes(!asked.asks.is_empty() && !asks_title && !asks_answer));
    out.push(yes(!asked.asks.is_empty() && !title.asks.is_empty() && !asks_title));
    out.push(yes(!title.asks.is_empty() && !asks_title && asks_answer));
    out.push(yes(!title.asks.is_empty() && asked.asks.is_empty()));
    let price = number("price");
    let (price_asked, price_title) = (asked.asks.contains(&price), title.asks.contains(&price));
    out.push(yes(price_asked && price_title));
    out.push(yes(price_asked && !price_title && entry.money));
    out.push(yes(price_asked && !price_title && !entry.money));
    out.push(yes(price_asked && !price_title && !entry.money && !in_title.is_empty()));
    out.push(yes(!price_asked && price_title));
    let advice = number("advice");
    out.push(yes(asked.asks.contains(&advice) && !title.asks.contains(&advice)));

    let (animals, of_title, of_answer) = (asked.species(), title.species(), answer.species());
    let meant = animals.iter().any(|&t| covers(&of_title, t) >= 0.5);
    let told = animals.iter().any(|&t| covers(&of_answer, t) >= 0.5);
    out.push(yes(meant));
    out.push(yes(!meant && told));
    out.push(yes(!animals.is_empty() && !of_title.is_empty() && !meant && !told));
    out.push(yes(!animals.is_empty() && of_title.is_empty() && !of_answer.is_empty() && !told));
    out.push(yes(!animals.is_empty() && of_title.is_empty() && !told));

    let things = asked.matters();
    let (title_things, all_things) = (title.matters(), both(&title.things, &answer.things));
    let kin = |&t: &usize| {
        covers(&both(&title_things, &answer.things), t) < 0.5
            && title_things.iter().any(|&own| siblings(own, t) && !asked.things.contains(&own))
    };
    out.push(yes(things.iter().any(kin)));
    out.push(yes(things.iter().any(|&t| {
        let covered = covers(&title_things, t);
        (0.5..1.0).contains(&covered) && !answer.things.contains(&t)
    })));
    let rare = |t: usize| rarity(entries, |e| covers(&both(&e.question.things, &e.answer.things), t) >= 0.8);
    let thing_title = things.iter().map(|&t| covers(&title_things, t) * rare(t)).fold(0.0, f32::max);
    let well = things.iter().filter(|&&t| covers(&title_things, t) >= 0.8).count();
    let thing_answer = things
        .iter()
        .filter(|&&t| covers(&title_things, t) < 0.8)
        .map(|&t| covers(&answer.things, t) * rare(t))
        .fold(0.0, f32::max);
    let lacking: Vec<usize> = things.iter().copied().filter(|&t| covers(&all_things, t) < 0.5).collect();
    let unasked = title_things
        .iter()
        .any(|&own| asked.matters().iter().all(|&t| covers(&[own], t) < 0.5 && covers(&[t], own) < 0.5));
    out.push(thing_title);
    out.push(well.saturating_sub(1) as f32);
    out.push(thing_answer);
    out.push(lacking.len().min(2) as f32);
    out.push(yes(!things.is_empty() && lacking.len() == things.len()));
    out.push(yes(lacking
        .iter()
        .any(|&t| entries.iter().all(|e| covers(&both(&e.question.things, &e.answer.things), t) < 0.5))));
    out.push(yes(unasked));
    out.push(yes(unasked && !lacking.is_empty()));
    out.push(yes(unasked && things.is_empty()));
    out.push(yes(asks_title && thing_title > 0.0));
    out.push(yes(!in_title.is_empty() && thing_title > 0.0));

    let speaks =
        |e: &Entry, word: &str| e.question.stems.iter().chain(&e.answer.stems).any(|own| likeness(own, word) >= 0.8);
    let words = asked.stems.len().max(1) as f32;
    let likes: Vec<(f32, f32)> =
        asked.stems.iter().map(|s| (best_like(&title.stems, s), best_like(&answer.stems, s))).collect();
    let rare_word = |n: usize| rarity(entries, |e| speaks(e, &asked.stems[n]));
    out.push(likes.iter().map(|l| l.0).sum::<f32>() / words);
    out.push(likes.iter().map(|l| (l.1 - l.0).max(0.0)).sum::<f32>() / words);
    let of_words = |own: &String| best_like(&asked.stems, own);
    out.push(title.stems.iter().map(of_words).sum::<f32>() / title.stems.len().max(1) as f32);
    let best = |found: &dyn Fn((f32, f32)) -> f32| {
        let values = likes.iter().enumerate().filter(|(_, l)| found(**l) > 0.0);
        values.map(|(n, l)| found(*l) * rare_word(n)).fold(0.0, f32::max)
    };
    let best_title = best(&|(t, _)| if t >= 0.75 { t } else { 0.0 });
    let best_answer = best(&|(t, a)| if t < 0.75 && a >= 0.75 { a } else { 0.0 });
    out.push(best_title);
    out.push(best_answer);
    let strange = |s: &&String| best_like(&title.stems, s) < 0.6 && best_like(&answer.stems, s) < 0.6;
    out.push(asked.own.iter().filter(strange).count().min(3) as f32 / 3.0);
    let nothing = in_title.is_empty() && in_answer == 0 && thing_title + thing_answer + best_title + best_answer == 0.0;
    out.push(yes(nothing));
    let only_ask = asked.free.is_empty() && asked.things.is_empty() && asked.own.is_empty() && asks_title;
    let asks_it = |e: &Entry| asked.asks.iter().any(|t| title.asks.contains(t) && e.question.asks.contains(t));
    out.push(yes(only_ask));
    out.push(yes(only_ask && entries.iter().filter(|e| asks_it(e)).count() == 1));
    let only_thing = asked.free.is_empty() && asked.asks.is_empty() && asked.own.is_empty() && !asked.things.is_empty();
    let names_it = |e: &Entry| asked.things.iter().any(|&t| covers(&e.question.things, t) >= 0.5);
    out.push(yes(only_thing && names_it(entry) && entries.iter().filter(|e| names_it(e)).count() == 1));
    // One entry alone has a word of the caller's, and no topic was found that tells otherwise.
    let alone = |n: usize| {
        likes[n].0.max(likes[n].1) >= 0.8 && entries.iter().filter(|e| speaks(e, &asked.stems[n])).count() == 1
    };
    out.push((0..likes.len()).filter(|&n| alone(n)).count().min(3) as f32 / 3.0);
    out.push((things.iter().filter(|&&t| covers(&all_things, t) >= 0.8).count() as f32).min(3.0) / 3.0);
    out.push(yes(asked.length <= 3 && (thing_title > 0.0 || meant)));
    out.push(yes(asked.free.is_empty() && asked.asks.is_empty()));
    out.push(yes(!likes.is_empty() && likes.iter().all(|l| l.0.max(l.1) >= 0.75)));

    let (own, best) = (near[at], Near::best(near));
    out.extend([own.title, own.answer, own.asked, own.mean_title, own.mean_answer]);
    out.push(best.mean_title - own.mean_title);
    out.push(best.answer - own.answer);
    out.push(yes(near.iter().all(|n| n.all() <= own.all())));
    out.push(own.own_words);
    out.extend(sentences.of_entry(at));

    for ask in ASKS.map(number) {
        let known = title.asks.contains(&ask) || answer.asks.contains(&ask);
        out.push(yes(asked.asks.contains(&ask) && known));
        out.push(yes(asked.asks.contains(&ask) && !known));
    }
    out.resize(SIZE, 0.0);
    out
}

/// The numbers of "not in the list" for a question.
pub(super) fn of_none(asked: &Reading, entries: &[Entry], near: &[Near], sentences: &Meant) -> Vec<f32> {
    let mut out = vec![0.0; SIZE - NONE.len()];
    let free = |t: &usize| entries.iter().all(|e| !e.question.free.contains(t) && !e.answer.free.contains(t));
    let thing =
        |&t: &usize| entries.iter().all(|e| covers(&e.question.things, t).max(covers(&e.answer.things, t)) < 0.8);
    let price = number("price");
    let priced = entries.iter().any(|e| e.money || e.question.asks.contains(&price));
    let strange =
        |s: &&String| entries.iter().all(|e| best_like(&e.question.stems, s).max(best_like(&e.answer.stems, s)) < 0.75);
    out.push(1.0);
    out.push(yes(!asked.free.is_empty() && asked.free.iter().all(free)));
    out.push(yes(asked.things.iter().any(thing)));
    out.push(yes(asked.asks.contains(&price) && !priced));
    out.push(yes(asked.asks.contains(&price)));
    out.push(yes(asked.asks.contains(&number("advice"))));
    out.push(asked.own.iter().filter(strange).count().min(3) as f32 / 3.0);
    out.push(yes(asked.length <= 3));
    out.push(yes(asked.length >= 12));
    out.push(yes(asked.free.is_empty() && asked.asks.is_empty() && asked.things.is_empty()));
    let best = Near::best(near);
    out.extend([best.answer, best.mean_title.max(best.mean_answer), best.own_words]);
    out.extend(sentences.of_none());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name_and_every_ask_a_topic() {
        assert_eq!(names().len(), SIZE);
        for ask in ASKS.iter().chain(&["price", "advice"]) {
            assert_ne!(number(ask), usize::MAX, "{ask}");
        }
        let entries = [Entry::new("Режим работы", "С девяти.")];
        let asked = Reading::question("до скольки вы");
        let (near, meant) = (Near::of(&asked, &entries), Meant::of(None, &entries));
        assert_eq!(of_none(&asked, &entries, &near, &meant).len(), SIZE);
        let signs = of_entry(&asked, 0, &entries, &near, &meant);
        let last = ENTRY.len() + 2 * ASKS.len();
        assert!(signs.len() == SIZE && signs[last..].iter().all(|n| *n == 0.0));
    }
}
