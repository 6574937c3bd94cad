//! The list of commands: each is declared once, here, and TypeScript and the way from a name to what
//! does it come from this list.
//!
//! Adding one: a row, its types in `api`, and the method of [`Studio`] that does it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::*;
use crate::channel::Channel;
use crate::{Studio, StudioError};

/// What is known of a command without running it.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What hosts call it.
    pub name: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
    /// Whether it takes a channel.
    pub channel: bool,
    /// Its request's type in TypeScript.
    pub request: fn(&ts_rs::Config) -> String,
    /// Its answer's type in TypeScript.
    pub answer: fn(&ts_rs::Config) -> String,
    /// Writes both types, and all that they name, into the folder of the configuration.
    pub export: fn(&ts_rs::Config) -> Result<(), ts_rs::ExportError>,
}

macro_rules! commands {
    ($($(#[doc = $doc:literal])+ $name:ident: $request:ty => $answer:ty $(, $channel:ident)?;)+) => {
        /// Every command, in the order in which they are read about.
        pub const COMMANDS: &[Command] = &[$(Command {
            name: stringify!($name),
            doc: concat!($($doc),+),
            channel: !<[&str]>::is_empty(&[$(stringify!($channel))?]),
            request: <$request as ts_rs::TS>::name,
            answer: <$answer as ts_rs::TS>::name,
            export: |config| {
                <$request as ts_rs::TS>::export_all(config)?;
                <$answer as ts_rs::TS>::export_all(config)
            },
        }),+];

        /// Runs the command called `name`.
        pub(crate) fn call(
            studio: &Studio,
            name: &str,
            arguments: Value,
            channel: Option<Box<dyn Channel>>,
        ) -> Result<Value, StudioError> {
            match name {
                $(stringify!($name) => {
                    let request: $request = read(arguments)?;
                    // The type is named so that the list and the method cannot differ.
                    let answer: Result<$answer, StudioError> =
                        commands!(@run studio.$name(request), channel $(, $channel)?);
                    write(&answer?)
                })+
                _ => {
                    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
                    let problem = format!("there is no command {name:?}");
                    Err(StudioError::field("name", problem, names.join(", ")))
                }
            }
        }
    };
    (@run $studio:ident.$name:ident($request:ident), $given:ident) => { $studio.$name($request) };
    (@run $studio:ident.$name:ident($request:ident), $given:ident, $channel:ident) => {
        $studio.$name($request, listener($given)?)
    };
}

/// A request, or which field of it is not understood.
fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, StudioError> {
    let arguments = if arguments.is_null() { Value::Object(Default::default()) } else { arguments };
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let field = error.path().to_string();
        StudioError::field(field, error.into_inner(), "what the command's type says")
    })
}

fn write(answer: &impl Serialize) -> Result<Value, StudioError> {
    serde_json::to_value(answer).map_err(StudioError::internal)
}

fn listener(channel: Option<Box<dyn Channel>>) -> Result<Box<dyn Channel>, StudioError> {
    channel.ok_or_else(|| StudioError::field("channel", "there is none", "a channel"))
}

commands! {
    /// What runs here, and on what.
    system: Nothing => System;
    /// Why the last render took as long as it did, and what the machine could do.
    roofline: RooflineRequest => Roofline;
    /// What the person has chosen.
    settings: Nothing => Settings;
    /// Chooses anew; all settings at once.
    settings_set: Settings => Settings;
    /// Which models there are, which of them run, and what each can do.
    models: Nothing => Models;
    /// Every connection ever made, and why.
    connections: Nothing => Connections;

    /// A stretch of the pictures that a filter lets through.
    pictures: PageRequest => Page;
    /// What there is to filter by.
    facets: FacetsRequest => Facets;
    /// All that is known of a picture.
    picture: OneId => PictureDetail;
    /// Marks pictures, from 0 to 5.
    mark: MarkCommand => MarksBefore;
    /// Sets marks to what they were.
    set_marks: MarksList => MarksBefore;
    /// Gives pictures tags, and takes them away; answers with those whose tags changed.
    tag: TagCommand => Ids;
    /// Puts pictures into the trash; answers with those that were not there yet.
    trash: Ids => Ids;
    /// Takes pictures out of the trash; answers with those that were there.
    restore: Ids => Ids;
    /// Deletes pictures that are in the trash for good.
    purge: Ids => Purged;
    /// Deletes everything that is in the trash for good.
    empty_trash: Nothing => Purged;
    /// All boards.
    boards: Nothing => Boards;
    /// Makes a board.
    board_create: BoardName => BoardId;
    /// Gives a board another name.
    board_rename: BoardRename => Nothing;
    /// Deletes a board; its pictures stay.
    board_delete: BoardId => Nothing;
    /// Puts pictures on a board; answers with those that were not on it yet.
    board_add: BoardPictures => Ids;
    /// Takes pictures off a board; answers with those that were on it.
    board_remove: BoardPictures => Ids;
    /// What a picture came from, and what came from it, all the way.
    lineage: OneId => Lineage;
    /// How different some pictures are, measured.
    spread: Ids => Spread;

    /// Takes picture files into the library.
    import: ImportRequest => ImportAnswer;
    /// Takes in a picture that was pasted or dropped.
    import_bytes: ImportBytes => Imported;
    /// A picture of the library as something that requests can use.
    asset: OneId => Asset;
    /// Writes a picture to a file.
    save: SaveRequest => Saved;
    /// Writes pictures into a folder under names from a template.
    export: ExportRequest => Exported;

    /// Puts a request into the queue: one job for each picture.
    render: RenderCommand => Jobs;
    /// Makes pictures larger: one job for each.
    enlarge: EnlargeCommand => Jobs;
    /// Gives pictures exactly a size: one job for each.
    deliver: DeliverCommand => Jobs;
    /// Sizes that places ask for, by name.
    channels: Nothing => Channels;
    /// What a request would cost, and whether it can be met.
    estimate: RequestOnly => Estimate;
    /// Draws a draft at once, in place of the one before. Nothing is stored.
    live: RequestOnly => Nothing, channel;
    /// Stops drawing drafts.
    live_stop: Nothing => Nothing;
    /// Stores the last draft that was finished, as it was shown: a picture as any other.
    live_keep: Nothing => PictureCard;
    /// What was being written in this library, without pictures that are not there any more.
    draft: Nothing => Draft;
    /// Keeps what is being written.
    draft_set: Draft => Nothing;

    /// The queue.
    queue: Nothing => Queue;
    /// Tells of every render on the channel until it is closed.
    queue_watch: Nothing => Nothing, channel;
    /// Pauses the queue, or goes on with it.
    queue_pause: Pause => Nothing;
    /// Moves a job that waits.
    queue_move: JobMove => Nothing;
    /// Makes a job that waits the next.
    queue_next: JobId => Nothing;
    /// Cancels jobs that run or wait, and answers which, in their order.
    queue_cancel: JobIds => JobIds;
    /// Puts jobs that failed or were cancelled into the queue again.
    queue_retry: JobIds => Nothing;
    /// Forgets jobs that ended; pictures stay.
    queue_clear: Nothing => Nothing;
    /// Takes note of what the last end of the program left behind.
    queue_dismiss: Nothing => Nothing;
    /// Prompts of before.
    prompts: PromptsRequest => Prompts;

    /// Holds the library's rows against its files.
    library_check: Nothing => LibraryReport;
    /// Mends what a check found.
    library_repair: Nothing => LibraryRepaired;
    /// Writes a copy of the whole library into a new folder.
    library_backup: PathRequest => Nothing;
    /// Counts references and masks that nothing needs any more, or deletes them for good.
    library_unused: UnusedRequest => Unused;
}
