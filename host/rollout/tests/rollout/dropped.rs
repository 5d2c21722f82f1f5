//! Files dropped into the folder.

use std::fs;

use rollout::{DropFolder, Entry};

use crate::support::{CLINIC, House, NOW, curious_flow, flow};

#[tokio::test]
async fn a_whole_file_is_deployed_and_a_growing_one_is_left_alone() {
    let house = House::new().await;
    let folder = house.folder.path().join("drop");
    let mut dropped = DropFolder::new(&folder, house.routes.clone());
    assert!(dropped.poll(NOW).await.unwrap().is_empty(), "the folder need not be there");
    let place = folder.join(CLINIC).join("day");
    fs::create_dir_all(&place).unwrap();
    let (wasm, file) = (flow("aaaaa"), place.join("desk.wasm"));
    fs::write(&file, &wasm[..100]).unwrap();
    assert!(dropped.poll(NOW).await.unwrap().is_empty(), "seen once");
    fs::write(&file, &wasm).unwrap();
    assert!(dropped.poll(NOW).await.unwrap().is_empty(), "it grew");
    let taken = dropped.poll(NOW).await.unwrap();
    let digest = taken[0].result.as_ref().unwrap();
    assert!(!file.exists());
    assert_eq!(fs::read_to_string(place.join("desk.done")).unwrap(), format!("deployed as version {digest}\n"));
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert_eq!((&route.stable, route.by.as_str()), (digest, "drop folder"));
    assert!(dropped.poll(NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_file_has_its_reason_beside_it_until_a_better_one_comes() {
    let house = House::new().await;
    let folder = house.folder.path().join("drop");
    let mut dropped = DropFolder::new(&folder, house.routes.clone());
    let (place, wrong) = (folder.join(CLINIC).join("day"), folder.join(CLINIC).join("evening"));
    for folder in [&place, &wrong] {
        fs::create_dir_all(folder).unwrap();
    }
    house.version("aaaaa").await;
    fs::write(place.join("desk.wasm"), curious_flow("nosey")).unwrap();
    fs::write(wrong.join("desk.wasm"), flow("aaaaa")).unwrap();
    dropped.poll(NOW).await.unwrap();
    let taken = dropped.poll(NOW).await.unwrap();
    assert!(taken.len() == 2 && taken.iter().all(|one| one.result.is_err()), "{taken:?}");
    let reason = |folder: &std::path::Path| fs::read_to_string(folder.join("desk.refused.txt")).unwrap();
    assert!(reason(&place).contains("--allow gudok:clinic/clinic@0.1.0"), "{}", reason(&place));
    assert_eq!(reason(&wrong), "no such entry: \"evening\" is none of day, night, overload, reminder, chat\n");
    assert!(place.join("desk.wasm.refused").exists() && !place.join("desk.wasm").exists());
    fs::write(place.join("desk.wasm"), flow("bbbbb")).unwrap();
    dropped.poll(NOW).await.unwrap();
    dropped.poll(NOW).await.unwrap();
    assert!(place.join("desk.done").exists() && !place.join("desk.refused.txt").exists());
}
