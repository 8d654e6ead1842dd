//! A disk that is full at some byte: the run ends and says so, and goes on when there is space.

use std::sync::atomic::AtomicU64;

use super::{super::blocks::BLOCK_BYTES, *};

const SIZE: u64 = 1_500_000;
/// The file and its records.
const WRITTEN: u64 = SIZE + SIZE.div_ceil(BLOCK_BYTES) * 48;

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_a_run_at_any_byte_and_space_lets_it_go_on() {
    let server = Server::new(20, &[SIZE as usize]);
    for number in 0..100 {
        let room = WRITTEN * number / 100 + number % 7;
        let folder = tempfile::tempdir().unwrap();
        let transfer = open(folder.path(), &server);
        let disk = Some(Arc::new(AtomicU64::new(room)));
        transfer.store.fill_disk(disk);
        let error = run(&transfer, &server).await.unwrap_err();
        assert!(matches!(error, Error::DiskFull { .. }), "{room}: {error}");
        // Sometimes in the same process, sometimes in another.
        let transfer = match number % 2 {
            0 => {
                transfer.store.fill_disk(None);
                transfer
            }
            _ => {
                drop(transfer);
                open(folder.path(), &server)
            }
        };
        assert_whole(&server, &run(&transfer, &server).await.unwrap());
    }
}
