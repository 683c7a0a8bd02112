//! Runs every kept input again: the corpus, and each input that once broke something.

use std::{fs, path::Path};

use agentsecrets_fuzz::{TARGETS, seeds};

fn replay(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let mut count = 0;
    for folder in ["corpus", "regressions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
        let Ok(files) = fs::read_dir(&folder) else { continue };
        for file in files {
            let path = file.expect("a file").path();
            eprintln!("{}", path.display());
            run(&fs::read(path).expect("an input"));
            count += 1;
        }
    }
    assert!(count > 0, "no input of {target} is kept");
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed() {
            let named = [$(stringify!($target)),*];
            assert_eq!(named.to_vec(), TARGETS.map(|(name, _)| name));
        }
    };
}
replays!(identity invitation entry parcel grants_acks dotenv project_file vault_file answers problem machine
    sealed_box verdict apply redactor secret_policy);

#[test]
fn seeds_of_today_run_too() {
    for (name, run) in TARGETS {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty());
        seeds.iter().for_each(|seed| run(seed));
    }
}
