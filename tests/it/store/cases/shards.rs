use parcours::domain::ShardId;
use parcours::store::shards;

use crate::store::Db;

pub async fn epochs_start_at_zero_and_count_up(db: &Db) {
    assert_eq!(shards::epoch(&mut db.read().await, &db.tenant, ShardId(3)).await.unwrap(), 0);
    let mut tx = db.write().await;
    assert_eq!(shards::epoch(&mut tx, &db.tenant, ShardId(3)).await.unwrap(), 0);
    assert_eq!(shards::bump(&mut tx, &db.tenant, ShardId(3)).await.unwrap(), 1);
    assert_eq!(shards::bump(&mut tx, &db.tenant, ShardId(3)).await.unwrap(), 2);
    assert_eq!(shards::epoch(&mut tx, &db.tenant, ShardId(4)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(shards::epoch(&mut db.read().await, &db.tenant, ShardId(3)).await.unwrap(), 2);
}
