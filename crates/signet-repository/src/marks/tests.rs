use super::*;
use crate::Seq;
use crate::scratch::{NOW, Scratch, id, mark, user};

const END: u64 = NOW.0 + 1_000;

#[tokio::test]
async fn a_mark_stands_until_its_end_and_is_added_once() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let alice = id("alice");
    let add = async |mark| {
        repository
            .add_mark(mark, Some(&alice), MarkReason::Logout, NOW)
            .await
            .unwrap()
    };
    assert_eq!(add(mark(1, END)).await, Marked::Added);
    assert_eq!(add(mark(1, END)).await, Marked::Known);
    assert_eq!(
        add(mark(1, END - 1)).await,
        Marked::Known,
        "never shortened"
    );
    assert_eq!(repository.head().await.unwrap(), Seq(1));
    assert_eq!(
        add(mark(1, END + 1)).await,
        Marked::Added,
        "a later end is a change"
    );
    let changes = repository.changes_since(Seq(1)).await.unwrap();
    assert_eq!(changes.marks, [mark(1, END + 1)]);
    assert_eq!(repository.count_marks().await.unwrap(), 1);
}

// S7
#[tokio::test]
async fn too_many_marks_become_a_step_of_the_generation() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let alice = id("alice");
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let other = mark(900, END);
    repository
        .add_mark(other, None, MarkReason::Provider, NOW)
        .await
        .unwrap();
    let add = async |n, until, now| {
        let reason = MarkReason::Administrator;
        repository
            .add_mark(mark(n, until), Some(&alice), reason, now)
            .await
            .unwrap()
    };
    // These have ended and do not count.
    for n in 500..510 {
        assert_eq!(add(n, NOW.0, NOW).await, Marked::Added);
    }
    for n in 0..64 {
        assert_eq!(add(n, END, NOW).await, Marked::Added, "{n}");
    }
    let before = repository.head().await.unwrap();
    assert_eq!(add(64, END, NOW).await, Marked::Raised(Generation(2)));
    let changes = repository.changes_since(before).await.unwrap();
    assert_eq!(changes.users[0].generation, Generation(2));
    assert!(changes.marks.is_empty());
    let all = repository.changes_since(Seq(0)).await.unwrap();
    assert_eq!(all.marks, [other], "others' marks stay");
    assert_eq!(
        add(65, END, NOW).await,
        Marked::Added,
        "and counting begins anew"
    );
}

#[tokio::test]
async fn a_user_without_a_record_keeps_the_marks() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let guest = id("google:42");
    for n in 0..70 {
        let marked = repository
            .add_mark(mark(n, END), Some(&guest), MarkReason::Logout, NOW)
            .await;
        assert_eq!(marked.unwrap(), Marked::Added);
    }
    assert_eq!(repository.count_marks().await.unwrap(), 70);
}

// Invariant 7, S7: what was purged stays refused, whatever the clock says later.
#[tokio::test]
async fn purging_raises_the_floor_for_ever() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for n in 0..10 {
        let mark = mark(n, NOW.0 + u64::from(n));
        repository
            .add_mark(mark, None, MarkReason::Logout, NOW)
            .await
            .unwrap();
    }
    assert_eq!(repository.floor().await.unwrap(), UnixSeconds(0));
    let floor = UnixSeconds(NOW.0 + 4);
    assert_eq!(repository.purge_marks(floor).await.unwrap(), floor);
    assert_eq!(repository.count_marks().await.unwrap(), 5);
    assert_eq!(repository.purge_marks(UnixSeconds(0)).await.unwrap(), floor);
    repository.close().await;
    let again = scratch.open().await;
    assert_eq!(again.floor().await.unwrap(), floor);
    let changes = again.changes_since(Seq(0)).await.unwrap();
    assert_eq!((changes.floor, changes.marks.len()), (floor, 5));
}
