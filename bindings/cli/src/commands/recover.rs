//! recover: the identity from its words, and the workspace of this folder with it.

use agentsecrets_core::{
    Error, ErrorCode, Result,
    client::{self, Setup},
    config::Config,
    encoding::{EntryHash, Head},
    fingerprint::HeadFile,
    identity::Destination,
    sync,
};

use crate::{
    context::{check_label, default_label, read_stdin},
    output::note,
};

pub(crate) fn recover(
    _json: bool,
    label: Option<String>,
    head: Option<String>,
    unpinned: bool,
) -> Result<()> {
    let label = label.unwrap_or_else(default_label);
    check_label(&label)?;
    let config = Config::discover()?;
    let head = pin(&config, head.as_deref(), unpinned)?;
    let words = read_stdin(4096)?;
    let words = std::str::from_utf8(words.expose()).unwrap_or_default();
    client::recover(&*client::open_vault(&config)?, words, &label)?;
    note("made this device's identity again");
    let (Some(head), Some((_, project))) = (head, &config.project) else {
        note("no project file here: run it again in a folder of the workspace");
        return Ok(());
    };
    let relay = config.relay().unwrap_or_default().to_owned();
    let destination = Destination { workspace: project.workspace, relay, head };
    let setup = Setup::open(&config)?;
    setup.client.run(|start| sync::attach(start, destination))?;
    note("next: agentsecrets secrets pull");
    Ok(())
}

/// What says how far the log must reach. Genesis alone does where that is chosen on purpose.
fn pin(config: &Config, head: Option<&str>, unpinned: bool) -> Result<Option<Head>> {
    let Some((path, project)) = &config.project else { return Ok(None) };
    if let Some(text) = head {
        let head = Head::parse(text);
        return head
            .map(Some)
            .ok_or_else(|| Error::new(ErrorCode::InvalidArgument, "a head is SEQ:HEX"));
    }
    let file = path.with_file_name(HeadFile::NAME);
    let written = std::fs::read_to_string(file).ok().and_then(|text| HeadFile::parse(&text));
    let written = written.filter(|written| written.workspace == project.workspace);
    match (written, unpinned) {
        (Some(written), _) => Ok(Some(written.head)),
        (None, true) => Ok(Some(Head { seq: 0, hash: EntryHash(project.workspace.0) })),
        (None, false) => Err(Error::new(
            ErrorCode::Unpinned,
            "nothing here says how far the log must reach",
        )
        .with_hint(
            "agentsecrets recover --head SEQ:HEX   # from another member: agentsecrets head",
        )),
    }
}
