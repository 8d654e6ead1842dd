//! The ways a transfer goes: straight, interrupted, damaged.

use sha1::Sha1;

use super::{super::blocks::BLOCK_BYTES, *};

const SIZE: usize = 3_000_000;

#[tokio::test(start_paused = true)]
async fn all_files_of_a_set_come_whole_and_no_byte_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(1, &[SIZE, 0, 1, BLOCK_BYTES as usize, 700_000]);
    let transfer = open(folder.path(), &server);
    assert_eq!(transfer.opened(), Opened::New);
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
    let total: usize = server.files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(server.asked_bytes(), total as u64);
    Transfer::discard(folder.path()).unwrap();
    assert!(!folder.path().exists());
}

#[tokio::test(start_paused = true)]
async fn files_whose_sha256_is_masked_are_proved_by_their_names_in_git() {
    let hex = |digest: &[u8]| {
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::new(2, &[SIZE, 1000]);
    let (file, bytes) = &mut server.files[0];
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {SIZE}\n",
        hex(&Sha256::digest(&bytes))
    );
    let blob = format!("blob {}\0{pointer}", pointer.len());
    file.check = FileCheck::PointerSha1 {
        oid: hex(&Sha1::digest(blob)).parse().unwrap(),
        pointer_size: pointer.len() as u64,
    };
    let (file, bytes) = &mut server.files[1];
    let blob = [b"blob 1000\0", bytes.as_slice()].concat();
    file.check = FileCheck::GitSha1(hex(&Sha1::digest(blob)).parse().unwrap());

    let transfer = open(folder.path(), &server);
    let verified = run(&transfer, &server).await.unwrap();
    for ((_, bytes), verified) in server.files.iter().zip(&verified) {
        assert_eq!(verified.sha256.as_str(), hex(&Sha256::digest(bytes)));
    }

    let other = tempfile::tempdir().unwrap();
    server.files[1].0.check = FileCheck::GitSha1("0".repeat(40).parse().unwrap());
    let transfer = open(other.path(), &server);
    let error = run(&transfer, &server).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(3, &[SIZE]);
    for milliseconds in [8, 8] {
        let transfer = open(folder.path(), &server);
        let limits = Limits::default();
        let run = super::super::run::run(&transfer, &server, &limits, |_| {});
        assert!(
            timeout(Duration::from_millis(milliseconds), run)
                .await
                .is_err()
        );
    }
    let transfer = open(folder.path(), &server);
    let Opened::Resumed { kept_bytes } = transfer.opened() else {
        panic!("{:?}", transfer.opened());
    };
    assert!(kept_bytes > 0);
    server.lock().asked.clear();
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
    assert_eq!(server.asked_bytes(), SIZE as u64 - kept_bytes);
}

#[tokio::test(start_paused = true)]
async fn what_a_broken_connection_brought_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(4, &[SIZE]).usual(Act::Cut(123_457));
    let transfer = open(folder.path(), &server);
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
    // With every question a connection gets a bit further; nothing is asked for again that came.
    assert!(server.lock().asked.len() <= SIZE / 123_457 + 8);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_the_disk_has_changed_is_fetched_again_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(5, &[SIZE]);
    let transfer = open(folder.path(), &server);
    run(&transfer, &server).await.unwrap();
    drop(transfer);
    let path = folder.path().join("0.part");
    let mut bytes = fs::read(&path).unwrap();
    bytes[1_000_000] ^= 4;
    fs::write(&path, bytes).unwrap();

    server.lock().asked.clear();
    let transfer = open(folder.path(), &server);
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
    assert_eq!(server.lock().asked.len(), 1);
    let start = 1_000_000 / BLOCK_BYTES * BLOCK_BYTES;
    assert_eq!(server.lock().asked[0], start..start + BLOCK_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_bit_that_was_wrong_on_the_way_is_found_and_replaced() {
    for at in [0, 1, 300_000, 999_999] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(6, &[SIZE]).script(&[Act::Right, Act::Flip(at)]);
        let transfer = open(folder.path(), &server);
        assert_whole(&server, &run(&transfer, &server).await.unwrap());
        assert!(server.asked_bytes() <= 2 * SIZE as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_other_bytes_ends_in_an_error_not_in_a_file() {
    for act in [Act::Garbage, Act::Flip(77)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(7, &[SIZE]).usual(act);
        let transfer = open(folder.path(), &server);
        let error = run(&transfer, &server).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(server.asked_bytes() <= 8 * SIZE as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_ranges_is_read_through_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(8, &[SIZE]).usual(Act::Whole);
    let transfer = open(folder.path(), &server);
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
    assert!(server.lock().asked.len() <= Limits::default().connections);
}

#[tokio::test(start_paused = true)]
async fn another_file_than_before_is_started_afresh_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let before = Server::new(9, &[SIZE]);
    run(&open(folder.path(), &before), &before).await.unwrap();
    let server = Server::new(10, &[SIZE]);
    let transfer = open(folder.path(), &server);
    assert_eq!(transfer.opened(), Opened::Restarted);
    assert_whole(&server, &run(&transfer, &server).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_under_way_is_told_apart_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(11, &[SIZE]).usual(Act::Changed);
    let transfer = open(folder.path(), &server);
    let error = run(&transfer, &server).await.unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_folder_has_one_transfer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(12, &[1000]);
    let transfer = open(folder.path(), &server);
    let second = Transfer::open(folder.path(), server.spec());
    assert!(matches!(second, Err(Error::InUse)));
    drop(transfer);
    open(folder.path(), &server);
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(13, &[SIZE]).script(&[Act::Limited(50), Act::Limited(50)]);
    let transfer = open(folder.path(), &server);
    let told = Mutex::new(Vec::new());
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let tell = |progress: Progress| told.lock().unwrap().push(progress);
    super::super::run::run(&transfer, &server, &limits, tell)
        .await
        .unwrap();
    let told = told.into_inner().unwrap();
    let waits = told.iter().filter(|progress| match &progress.state {
        State::Waiting { reason, .. } => reason.contains("too often"),
        _ => false,
    });
    assert!(waits.count() > 100, "50 seconds, four times a second");
    let last = told.last().unwrap();
    assert_eq!(
        (last.done_bytes, last.total_bytes),
        (SIZE as u64, SIZE as u64)
    );
    assert!(matches!(last.state, State::Verifying { .. }));
}

#[tokio::test(start_paused = true)]
async fn files_that_do_not_fit_are_refused_before_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::new(14, &[1000]);
    server.files[0].0.size = u64::MAX / 2;
    let error = Transfer::open(folder.path(), server.spec()).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
}
