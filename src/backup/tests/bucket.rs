//! Every operation on the bucket fails once, before or after it took effect: the engine's word and the bucket agree.

use serde_json::json;

use super::*;
use crate::api::BackupPhase;
use crate::results::Results;
use crate::storage::faulty::{Failure, Fault, FaultyStore, Operation};

/// A world whose bucket follows a script.
fn world() -> (World, FaultyStore) {
    let faulty = FaultyStore::new(Arc::new(object_store::memory::InMemory::new()));
    let mut world = World::new(shop());
    world.ctx.store = BackupStore::new(Bucket::new(Arc::new(faulty.clone()), "memory:"));
    (world, faulty)
}

/// What somebody who looks at the bucket sees: a whole backup, or none.
async fn visible(world: &World) -> bool {
    let listing = world.ctx.store.list().await.expect("a healthy bucket");
    let Some(one) = listing.first() else { return false };
    let status = one.backup.as_ref().expect("what is visible can be believed").status.clone().expect("a status");
    let archive = status.archive.expect("an archive");
    let entries = world.entries().await;
    assert_eq!(entries.len() as u64, archive.items);
    let results = Results::from_gzip(&world.ctx.store.results("nightly").await.expect("results")).expect("readable");
    assert_eq!(status.errors, Some(i64::try_from(results.errors.count()).expect("small")));
    true
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_whole_or_not_there_whatever_the_bucket_does() {
    let (world, faulty) = world();
    world.back_up(json!({})).await.expect("nothing fails");
    let count = |operation| faulty.log().iter().filter(|(one, _)| *one == operation).count();
    let operations = [Operation::Put, Operation::Get, Operation::List, Operation::Delete];
    let plan: Vec<(Operation, usize)> = operations.map(|operation| (operation, count(operation))).into();
    assert!(plan[0].1 >= 5, "archive, index, log, results and metadata are written: {plan:?}");
    let (mut kept, mut refused) = (0, 0);
    for (operation, times) in plan {
        for (at, failure) in (0..times).flat_map(|at| [(at, Failure::Before), (at, Failure::After)]) {
            let (world, faulty) = self::world();
            faulty.add(Fault::new(operation, "", failure).after(at));
            let outcome = world.back_up(json!({})).await;
            faulty.heal();
            let what = format!("{operation:?} number {at} fails {failure:?}: {outcome:?}");
            assert_eq!(outcome.is_ok(), visible(&world).await, "{what}");
            if let Ok(outcome) = outcome {
                assert_eq!(outcome.status.phase, BackupPhase::Completed, "{what}");
                kept += 1;
            } else {
                refused += 1;
                // The name is not lost: the same backup succeeds once the bucket is well.
                world.back_up(json!({})).await.expect(&what);
                assert!(visible(&world).await, "{what}");
            }
        }
    }
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_stored_is_a_warning() {
    let (world, faulty) = world();
    faulty.add(Fault::new(Operation::Put, "nightly-logs.gz", Failure::Before).always());
    let outcome = world.back_up(json!({})).await.expect("a backup without its log");
    assert_eq!((outcome.status.phase, outcome.status.warnings), (BackupPhase::Completed, Some(1)));
    faulty.heal();
    assert!(visible(&world).await);
}
