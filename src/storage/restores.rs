//! Which restores have left their files beside a backup.

use super::{BackupStore, StorageError};

/// What the key of a restore's results begins with, below the backup's directory, and ends with.
const RESULTS: (&str, &str) = ("restore-", "-results.gz");

/// A restore that has left results in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredRestore {
    /// Name of the backup it restored.
    pub backup: String,
    /// Its own name.
    pub restore: String,
}

impl BackupStore {
    /// Every restore that has left results, sorted by the backup's name and its own.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub async fn restores(&self) -> Result<Vec<StoredRestore>, StorageError> {
        let mut found = Vec::new();
        for backup in self.bucket().directories().await? {
            for key in self.bucket().keys(&backup).await? {
                let file = key.rsplit('/').next().unwrap_or(&key);
                let name = file.strip_prefix(RESULTS.0).and_then(|rest| rest.strip_suffix(RESULTS.1));
                if let Some(restore) = name {
                    found.push(StoredRestore { backup: backup.clone(), restore: restore.to_owned() });
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use crate::storage::{BackupStore, Bucket};

    #[tokio::test]
    async fn restores_are_found_by_their_results() {
        let store = BackupStore::new(Bucket::memory());
        assert_eq!(store.restores().await.expect("listed"), []);
        for (backup, restore) in [("b", "second"), ("a", "other"), ("b", "first")] {
            store.put_restore_log(backup, restore, vec![1]).await.expect("stored");
            store.put_restore_results(backup, restore, vec![1]).await.expect("stored");
        }
        let found: Vec<(String, String)> =
            store.restores().await.expect("listed").into_iter().map(|found| (found.backup, found.restore)).collect();
        let expected = [("a", "other"), ("b", "first"), ("b", "second")];
        assert_eq!(found, expected.map(|(backup, restore)| (backup.to_owned(), restore.to_owned())));
    }
}
