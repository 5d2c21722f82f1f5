//! Routes in the records: every change with its line of the log, planned ones, several people at once, sudden ends.

use rollout::{Act, AddOptions, ChangeKind, Deployed, Entry, How, Policy, RolloutError, signing};

use crate::support::{CLINIC, House, NOW, act, by, flow};

#[tokio::test]
async fn every_change_leaves_a_line_in_the_log() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::canary(10).unwrap()).await.unwrap();
    house.routes.promote(CLINIC, Entry::Day, act()).await.unwrap();
    let back = Act { reason: "callers complained", ..act() };
    let route = house.routes.rollback(CLINIC, Entry::Day, back).await.unwrap();
    assert_eq!((route.generation, route.stable.as_str()), (4, a.as_str()));

    let log = house.routes.changes(Some(CLINIC), 0, 100).await.unwrap();
    let lines: Vec<_> = log.iter().map(|change| (change.seq, change.kind, change.digest.as_str())).collect();
    assert_eq!(
        lines,
        [
            (1, ChangeKind::Deployed, a.as_str()),
            (2, ChangeKind::Canary, b.as_str()),
            (3, ChangeKind::Promoted, b.as_str()),
            (4, ChangeKind::RolledBack, b.as_str()),
        ]
    );
    assert_eq!(
        (log[1].percent, log[3].stable.as_deref(), log[3].reason.as_str()),
        (Some(10), Some(a.as_str()), "callers complained")
    );
    assert!(house.routes.changes(Some("med_plus"), 0, 100).await.unwrap().is_empty());
    assert!(matches!(house.routes.rollback("med_plus", Entry::Day, act()).await, Err(RolloutError::NoRoute { .. })));
    assert!(matches!(house.routes.rollback("../etc", Entry::Day, act()).await, Err(RolloutError::BadClinic { .. })));
}

#[tokio::test]
async fn going_back_passes_over_versions_that_were_removed() {
    let house = House::new().await;
    let mut versions = Vec::new();
    for says in ["aaaaa", "bbbbb", "ccccc", "ddddd"] {
        versions.push(house.version(says).await);
        house.deploy(versions.last().unwrap(), How::All).await.unwrap();
    }
    house.library.remove(&versions[1], NOW).await.unwrap();
    let route = house.routes.rollback(CLINIC, Entry::Day, act()).await.unwrap();
    assert_eq!((&route.stable, route.previous.as_ref()), (&versions[2], Some(&versions[0])));
    let route = house.routes.rollback(CLINIC, Entry::Day, act()).await.unwrap();
    assert_eq!(route.stable, versions[0]);
    assert!(matches!(house.routes.rollback(CLINIC, Entry::Day, act()).await, Err(RolloutError::NothingBefore { .. })));
}

#[tokio::test]
async fn a_clinic_that_takes_signed_flows_only_takes_no_others() {
    let house = House::new().await;
    let key = house.folder.path().join("release.key");
    let public = signing::generate_key(&key).unwrap();
    house.routes.set_policy(CLINIC, Policy { signed_by: vec![public], ..Policy::default() });
    let digest = house.version("aaaaa").await;
    let refused = house.deploy(&digest, How::All).await.unwrap_err().to_string();
    assert!(refused.ends_with(
        "is not signed, and vet_lapa takes signed flows only: sign it with `gudok flow sign`, using a key of \
         `[flows] signed_by`"
    ));
    let signature = Some(signing::sign(&key, &digest).unwrap());
    house.library.add("desk", &flow("aaaaa"), AddOptions { signature, ..by(NOW) }).await.unwrap();
    house.deploy(&digest, How::All).await.unwrap();
    // Another clinic does not mind.
    let b = house.version("bbbbb").await;
    house.routes.deploy("med_plus", Entry::Day, &b, How::All, None, act()).await.unwrap();
}

#[tokio::test]
async fn a_planned_deploy_happens_at_its_time_and_once() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let evening = NOW + 3_600_000;
    let plan = house.routes.deploy(CLINIC, Entry::Day, &b, How::All, Some(evening), act()).await.unwrap();
    assert!(matches!(plan, Deployed::Planned(_)));
    assert!(matches!(house.library.remove(&b, NOW).await, Err(RolloutError::InUse { .. })));
    assert!(house.routes.tick(evening - 1).await.unwrap().is_empty());
    let other = house.other().await;
    let (here, there) = tokio::join!(house.routes.tick(evening), other.tick(evening));
    assert_eq!(here.unwrap().len() + there.unwrap().len(), 1, "one of the two carried it out");
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert_eq!((route.stable, route.generation, route.since_ms), (b, 2, evening));
    assert!(house.routes.planned().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_that_cannot_be_carried_out_is_closed_with_its_reason() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.routes.deploy(CLINIC, Entry::Day, &b, How::All, Some(NOW + 10), act()).await.unwrap();
    let planned = house.routes.deploy(CLINIC, Entry::Day, &b, How::Shadow, Some(NOW + 99), act()).await.unwrap();
    let Deployed::Planned(planned) = planned else { panic!("not planned") };
    house.routes.cancel(&planned.id, act()).await.unwrap();
    assert!(matches!(house.routes.cancel(&planned.id, act()).await, Err(RolloutError::NotPlanned { .. })));
    std::fs::remove_file(house.library.path(&b)).unwrap();
    let carried = house.routes.tick(NOW + 10).await.unwrap();
    assert!(carried[0].result.as_ref().unwrap_err().contains("is gone"), "{carried:?}");
    assert!(house.routes.tick(NOW + 200).await.unwrap().is_empty());
    let log = house.routes.changes(None, 0, 100).await.unwrap();
    let kinds: Vec<_> = log.iter().map(|change| change.kind).collect();
    use ChangeKind::{Cancelled, Deployed as Done, Refused, Scheduled};
    assert_eq!(kinds, [Done, Scheduled, Scheduled, Cancelled, Refused]);
    assert_eq!(house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap().stable, a);
}

#[tokio::test]
async fn people_who_deploy_at_once_do_not_undo_each_other() {
    let house = House::new().await;
    let other = house.other().await;
    let mut versions = vec![house.version("first").await];
    for n in 0..6 {
        versions.push(house.version(&format!("no. {n}")).await);
    }
    house.deploy(&versions[0], How::All).await.unwrap();
    let deploys = versions[1..].iter().enumerate().map(|(n, digest)| {
        let (routes, digest) = (if n % 2 == 0 { house.routes.clone() } else { other.clone() }, digest.clone());
        tokio::spawn(async move { routes.deploy(CLINIC, Entry::Day, &digest, How::All, None, act()).await })
    });
    for deploy in deploys.collect::<Vec<_>>() {
        deploy.await.unwrap().unwrap();
    }
    let log = house.routes.changes(None, 0, 100).await.unwrap();
    let generations: Vec<_> = log.iter().map(|change| change.generation).collect();
    assert_eq!(generations, [1, 2, 3, 4, 5, 6, 7]);
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert_eq!(Some(&route.stable), log[6].stable.as_ref());
    assert_eq!(route.previous, log[5].stable, "the way back is the one that was there");
}

#[tokio::test]
async fn a_change_broken_off_anywhere_leaves_route_and_log_as_one() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    // The future of a deploy is dropped after ever more polls, as if the process ended there.
    for polls in 0..200 {
        let digest = if polls % 2 == 0 { &b } else { &a };
        let mut deploy = Box::pin(house.routes.deploy(CLINIC, Entry::Day, digest, How::All, None, act()));
        let mut left = polls / 4;
        std::future::poll_fn(|context| {
            let done = deploy.as_mut().poll(context).is_ready();
            left -= 1;
            if done || left < 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        drop(deploy);
        // One moment: what was begun may still be on its way.
        let (last, routes) = house.store.flow_routes().await.unwrap();
        let log = house.routes.changes(None, last - 1, 1).await.unwrap();
        assert_eq!((last, log[0].generation), (routes[0].generation, last));
        assert_eq!(log[0].stable.as_ref(), Some(&routes[0].stable));
    }
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert!(route.generation > 1, "some deploys went through");
}
