//! Random faults, one after the other and all at once.

use stand_in_hub::seeds;

use super::*;

fn any_act(random: &mut StdRng) -> Act {
    let bytes = random.random_range(0..800_000);
    match random.random_range(0..20) {
        0 => Act::Right,
        1 => Act::Offline,
        2 => Act::Silent,
        3 => Act::Limited(random.random_range(0..300)),
        4 => Act::Failing,
        5 => Act::Expired,
        6 => Act::Odd,
        7 => Act::Beyond,
        8 => Act::Whole,
        9 => Act::Unsized,
        10 => Act::Page,
        11..=13 => Act::Cut(bytes),
        14 => Act::Stall(bytes),
        15 => Act::Short(bytes),
        16..=17 => Act::Flip(bytes),
        18 => Act::Garbage,
        _ => Act::Changed,
    }
}

#[tokio::test(start_paused = true)]
async fn every_run_ends_in_right_files_or_in_an_error_and_can_be_gone_on_with() {
    for seed in seeds(100, 2000) {
        let mut random = StdRng::seed_from_u64(seed);
        let sizes: Vec<usize> = (0..random.random_range(1..4))
            .map(|_| random.random_range(0..1_500_000))
            .collect();
        let acts: Vec<Act> = (0..random.random_range(0..24))
            .map(|_| any_act(&mut random))
            .collect();
        let server = Server::new(seed, &sizes).script(&acts);
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            connections: random.random_range(1..7),
            ..Limits::default()
        };
        let transfer = open(folder.path(), &server);
        let verified = match run_with(&transfer, &server, &limits).await {
            Ok(verified) => verified,
            Err(error) => {
                let is_clear = matches!(
                    error,
                    Error::Hub(_) | Error::Changed { .. } | Error::Corrupt { .. }
                );
                assert!(is_clear, "seed {seed}: {error}");
                server.lock().script.clear();
                drop(transfer);
                let transfer = open(folder.path(), &server);
                run_with(&transfer, &server, &limits).await.unwrap()
            }
        };
        assert_whole(&server, &verified);
        assert!(server.lock().asked.len() < 400, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_person_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(1, &[100_000]).usual(Act::Gone);
    let transfer = open(folder.path(), &server);
    run(&transfer, &server).await.unwrap_err();
    assert_eq!(server.lock().asked.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_recovers_is_asked_until_patience_ends() {
    for act in [Act::Offline, Act::Failing, Act::Silent, Act::Limited(3)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(1, &[100_000]).usual(act);
        let mut limits = Limits::default();
        limits.patience.most_failures = Some(50);
        let transfer = open(folder.path(), &server);
        run_with(&transfer, &server, &limits).await.unwrap_err();
        assert_eq!(server.lock().asked.len(), 50, "{act:?}");
    }
}
