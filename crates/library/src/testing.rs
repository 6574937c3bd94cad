//! What only tests and benchmarks may do to a library.

use std::path::Path;

use rusqlite::Connection;

use crate::folder::DATABASE;
use crate::library::APPLICATION;
use crate::table::pictures;
use crate::time::day_of;
use crate::{Library, NewPicture, PictureId, Result, Time, files, folder, schema};

/// Lets the database grow by `pages` pages and no further, as on a full disk.
pub fn limit_growth(library: &Library, pages: i64) {
    let connection = &library.connection;
    let there: i64 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .expect("a pragma of every database");
    connection
        .pragma_update_and_check(None, "max_page_count", there + pages, |_| Ok(()))
        .expect("a pragma of every connection");
}

/// Adds rows without their files, many in one transaction, as if their thumbnails were made.
pub fn add_rows<'a>(
    library: &Library,
    rows: impl IntoIterator<Item = (PictureId, NewPicture<'a>, Time)>,
) -> Result<()> {
    library.write(|tx| {
        for (id, picture, time) in rows {
            pictures::insert(tx, id, &picture, day_of(time), time)?;
            tx.prepare_cached("UPDATE pictures SET thumbnails = 1 WHERE id = ?1")?.execute([id])?;
        }
        Ok(())
    })
}

/// Makes a library as it was at `schema`: these picture files, a mark, a tag, a board, a child of the
/// first picture, and a queue that was cut off. The fixtures of past schemas were made by this when
/// they were the present; it must keep to tables that were there first.
pub fn make_past_library(
    at: &Path,
    schema: u32,
    bytes: &[Vec<u8>],
    now: Time,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(at)?;
    let mut connection = Connection::open(at.join(DATABASE))?;
    // The file alone is committed: nothing may be left in a log beside it.
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    schema::migrations().to_version(&mut connection, schema as usize)?;
    for (number, bytes) in bytes.iter().enumerate() {
        let time = now + number as Time;
        // Of what came later the tables of then have no column.
        let picture = NewPicture { enlarged: None, ..NewPicture::read(bytes)? };
        let id = PictureId::of(bytes);
        let path = folder::picture_path(at, day_of(time), id, picture.format);
        files::write_file(at, &path, bytes)?;
        pictures::insert(&connection, id, &picture, day_of(time), time)?;
    }
    connection.execute_batch(
        "UPDATE pictures SET rating = 5 WHERE number = 1;
         INSERT INTO tags (name) VALUES ('kept');
         INSERT INTO picture_tags SELECT 2, number FROM tags;
         INSERT INTO boards (name, created_at) VALUES ('ideas', 0);
         INSERT INTO board_pictures SELECT number, 1, 0 FROM boards;
         INSERT INTO parents SELECT 2, id, 'variation' FROM pictures WHERE number = 1;
         INSERT INTO jobs (together, place, state, interactive, request, parents, created_at)
             VALUES (1, 1, 'running', 1, '{}', '[]', 0), (1, 2, 'waiting', 0, '{}', '[]', 0);
         UPDATE session SET open_since = 0;",
    )?;
    if connection.column_exists(None, "pictures", "star")? {
        connection.execute("UPDATE pictures SET star = 1 WHERE number = 1", [])?;
    }
    for number in 1..=bytes.len() as i64 {
        crate::table::words::index(&connection, number)?;
    }
    connection.execute_batch("VACUUM")?;
    std::fs::remove_dir(at.join(folder::ASIDE))?;
    Ok(())
}
