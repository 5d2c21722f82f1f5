//! Shares, money and differences by hand-made sums.

use super::*;

pub(crate) fn category(id: &str, counts_as: CountsAs) -> CategoryInfo {
    CategoryInfo {
        id: id.to_owned(),
        title_ru: format!("{id} (рус)"),
        title_en: id.to_owned(),
        counts_as,
        may_sell: false,
        may_book: false,
        advice_ru: String::new(),
        advice_en: String::new(),
    }
}

fn total(category: Option<&str>, calls: i64, minutes: i64, review: i64) -> CategoryTotal {
    CategoryTotal {
        category: category.map(str::to_owned),
        calls,
        talk_ms: minutes * 60_000 - 1_000,
        acw_ms: 1_000,
        review,
    }
}

fn three() -> Vec<CategoryInfo> {
    vec![
        category("target", CountsAs::Target),
        category("doctor", CountsAs::NonTarget),
        category("ads", CountsAs::NonTarget),
    ]
}

#[test]
fn shares_minutes_and_money_of_a_month() {
    let now = [
        total(Some("target"), 62, 200, 2),
        total(Some("doctor"), 28, 90, 3),
        total(Some("ads"), 10, 100, 0),
        total(None, 7, 1, 0),
    ];
    let before = [total(Some("target"), 60, 150, 0), total(Some("doctor"), 40, 80, 0)];
    let minute = Amount::new(950, "RUB");
    let found = non_target(&now, &before, &three(), Some(&minute));

    assert_eq!(found.non_target.now.share, Share::of(38, 100), "calls without a category are outside");
    assert_eq!(found.non_target.now.cost, Some(Amount::new(950 * 190, "RUB")));
    assert_eq!(found.untagged.now.calls, 7);
    assert_eq!(found.untagged.now.share, None);
    assert_eq!(found.doubtful_range, Share::of(35, 100).zip(Share::of(40, 100)));

    let order: Vec<_> = found.rows.iter().map(|row| row.category.id.as_str()).collect();
    assert_eq!(order, ["target", "ads", "doctor"], "the dearest first, not the most frequent");
    let change = found.rows[2].figures.change.as_ref().unwrap();
    assert_eq!((change.calls, change.share_tenths_pp, change.time_ms), (-12, Some(-120), 600_000));
    assert_eq!(change.cost, Some(Amount::new(9_500, "RUB")));
    assert_eq!(found.rows[1].figures.change.as_ref().unwrap().share_tenths_pp, Some(100), "from none to a tenth");
}

#[test]
fn nothing_before_is_no_comparison() {
    let found = non_target(&[total(Some("ads"), 5, 10, 0)], &[], &three(), None);
    assert_eq!((found.non_target.before.as_ref(), found.non_target.change.as_ref()), (None, None));
    assert_eq!(found.non_target.now.cost, None, "no price, no money");
    let found = non_target(&[], &[total(Some("ads"), 5, 10, 0)], &three(), None);
    assert_eq!(found.non_target.now.share, None, "no calls, no share");
    assert_eq!(found.non_target.change.as_ref().map(|change| (change.calls, change.share_tenths_pp)), Some((-5, None)));
    assert!(!found.rows[0].is_used() || found.rows[0].category.id == "ads");
}

#[test]
fn a_category_the_clinic_dropped_is_told_and_counted_apart() {
    let found = non_target(&[total(Some("parking"), 5, 10, 0), total(Some("target"), 5, 10, 0)], &[], &three(), None);
    assert_eq!(found.unknown_categories, ["parking"]);
    assert_eq!((found.untagged.now.calls, found.tagged.now.calls), (5, 5));
    assert_eq!(found.non_target.now.share, Share::of(0, 5));
}
