//! A disk under SQLite that fails, fills up and loses power as a seed says.
//!
//! It stands before SQLite's own file system and lets everything through, but keeps account, for the databases in folders that
//! were announced, of what is on the disk and what only in the operating system's cache: a write is in the cache until a
//! sync; a sync that fails may lose any part of it *for ever*, though reads still show it (so do real systems); at a loss of
//! power what was never synced is there whole, in part, torn, out of order or not at all.

#![allow(unsafe_code, reason = "SQLite calls its file system by C function pointers")]

use std::{
    cell::Cell,
    collections::BTreeMap,
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr,
    sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError},
};

use rusqlite::ffi;

use super::dice::Dice;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Every disk, by its folder.
static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());

/// The disk of one folder.
pub(crate) struct Disk(Mutex<State>);

struct State {
    dice: Dice,
    files: BTreeMap<PathBuf, Image>,
    /// Of a hundred writes or syncs, so many fail.
    failing: Failing,
    /// Writes and syncs left before the machine dies.
    dies_in: Option<u64>,
    dead: bool,
    /// What failed, for whoever looks into a run.
    failures: Vec<String>,
}

/// How often what fails, of a hundred times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Failing {
    /// For want of room.
    pub(crate) full: u64,
    /// By an error of the device.
    pub(crate) write: u64,
    pub(crate) sync: u64,
}

/// A file as it is on the disk, and what was done to it since.
struct Image {
    durable: Vec<u8>,
    cached: Vec<Change>,
    /// Syncs that failed: everybody who has the file open is told of each once, as Linux does it.
    failed_syncs: u64,
}

/// Whose account an open file is in.
struct Account {
    disk: Arc<Disk>,
    path: PathBuf,
    /// Of how many failed syncs this one was told. Changed under the disk's lock.
    told: Cell<u64>,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// How the machine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The process alone: the cache is written in time.
    Killed,
    /// The cache is gone.
    PowerLost,
}

/// What becomes of an operation.
enum Fate {
    Done,
    /// This much of it is done, and then SQLite is told this.
    Failed(usize, c_int),
}

impl Disk {
    /// The disk of a folder, from now until it is forgotten.
    pub(crate) fn under(folder: &Path, seed: u64) -> Arc<Disk> {
        register();
        let state = State {
            dice: Dice::new(seed),
            files: BTreeMap::new(),
            failing: Failing::default(),
            dies_in: None,
            dead: false,
            failures: Vec::new(),
        };
        let disk = Arc::new(Disk(Mutex::new(state)));
        lock(&DISKS).insert(folder.to_owned(), disk.clone());
        disk
    }

    pub(crate) fn forget(folder: &Path) {
        lock(&DISKS).remove(folder);
    }

    pub(crate) fn set_failing(&self, failing: Failing) {
        lock(&self.0).failing = failing;
    }

    /// Has the machine die in the midst of one of the next writes or syncs.
    pub(crate) fn die_in(&self, operations: u64) {
        lock(&self.0).dies_in = Some(operations);
    }

    pub(crate) fn is_dead(&self) -> bool {
        lock(&self.0).dead
    }

    /// What failed since this was asked last.
    pub(crate) fn failures(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0).failures)
    }

    /// Nothing is written any more.
    pub(crate) fn kill(&self) {
        lock(&self.0).dead = true;
    }

    /// After all who had files open have gone: leaves on the disk what a dead machine would, and the machine works again.
    pub(crate) fn revive(&self, end: End) {
        let mut state = lock(&self.0);
        let State { dice, files, .. } = &mut *state;
        if end == End::PowerLost {
            for (path, image) in &mut *files {
                lose(dice, image);
                // Not as a new file: the mark of an awaited log counts for this one alone.
                fs::write(path, &image.durable).expect("the folder can be written");
            }
        }
        *files = BTreeMap::new();
        state.dead = false;
        state.dies_in = None;
        state.failing = Failing::default();
    }
}

impl State {
    fn fate(&mut self, length: usize, sync: bool) -> Fate {
        if self.dead {
            return Fate::Failed(
                0,
                if sync { ffi::SQLITE_IOERR_FSYNC } else { ffi::SQLITE_IOERR_WRITE },
            );
        }
        let part = |dice: &mut Dice| dice.below(length as u64 + 1) as usize;
        if let Some(left) = &mut self.dies_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.dead = true;
                return Fate::Failed(part(&mut self.dice), ffi::SQLITE_IOERR_WRITE);
            }
        }
        let Failing { full, write, sync: syncs } = self.failing;
        if sync {
            let fails = self.dice.percent(syncs);
            return if fails { Fate::Failed(0, ffi::SQLITE_IOERR_FSYNC) } else { Fate::Done };
        }
        if self.dice.percent(full) {
            Fate::Failed(part(&mut self.dice), ffi::SQLITE_FULL)
        } else if self.dice.percent(write) {
            Fate::Failed(part(&mut self.dice), ffi::SQLITE_IOERR_WRITE)
        } else {
            Fate::Done
        }
    }
}

impl State {
    /// What is cached of a file gets to the disk, or it does not, and part of it never will.
    fn sync(&mut self, path: &Path, heard: &Cell<u64>) -> Result<(), c_int> {
        let fate = self.fate(0, true);
        let Some(image) = self.files.get_mut(path) else { return Ok(()) };
        let told = match fate {
            Fate::Done if heard.replace(image.failed_syncs) == image.failed_syncs => {
                image.sync();
                return Ok(());
            }
            Fate::Done => ffi::SQLITE_IOERR_FSYNC,
            Fate::Failed(_, told) => told,
        };
        if matches!(fate, Fate::Failed(..)) && !self.dead {
            image.failed_syncs += 1;
            heard.set(image.failed_syncs);
            lose(&mut self.dice, image);
        }
        self.failures.push(format!("no sync of {:?}: {told}", path.file_name()));
        Err(told)
    }
}

impl Image {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Truncate(length) => self.durable.truncate(*length),
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                if self.durable.len() < end {
                    self.durable.resize(end, 0);
                }
                self.durable[*at..end].copy_from_slice(bytes);
            }
        }
    }

    fn sync(&mut self) {
        for change in std::mem::take(&mut self.cached) {
            self.apply(&change);
        }
    }
}

/// Some of what is cached gets to the disk, the rest never does.
fn lose(dice: &mut Dice, image: &mut Image) {
    let share = dice.one(&[0, 10, 50, 90, 100]);
    for change in std::mem::take(&mut image.cached) {
        match change {
            Change::Write { at, bytes } if dice.percent(20) => {
                for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                    if dice.percent(share) {
                        let (at, bytes) = (at + number * SECTOR, sector.to_vec());
                        image.apply(&Change::Write { at, bytes });
                    }
                }
            }
            change if dice.percent(share) => image.apply(&change),
            _ => {}
        }
    }
}

/// A file was written whole by somebody who is about to sync it, and not by way of SQLite.
pub(crate) fn written_again(path: &Path) -> io::Result<()> {
    let disk = path.parent().and_then(|folder| lock(&DISKS).get(folder).cloned());
    let Some(disk) = disk else { return Ok(()) };
    let bytes = fs::read(path)?;
    let mut state = lock(&disk.0);
    let refused = || io::Error::other("the simulated disk failed");
    let part = match state.fate(bytes.len(), false) {
        Fate::Done => bytes.len(),
        Fate::Failed(part, _) => part,
    };
    let whole = part == bytes.len();
    if let Some(image) = state.files.get_mut(path) {
        // The same bytes as before, page by page.
        for (number, page) in bytes[..part].chunks(4_096).enumerate() {
            image.cached.push(Change::Write { at: number * 4_096, bytes: page.to_vec() });
        }
    }
    if !whole {
        return Err(refused());
    }
    let failed = state.files.get(path).map_or(0, |image| image.failed_syncs);
    state.sync(path, &Cell::new(failed)).map_err(|_| refused())
}

fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    // A run that failed has told so; the next one has a disk of its own.
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite's own file system.
struct Own(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's file system on Unix may be called from any thread and is never changed once it is there.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

static OWN: OnceLock<Own> = OnceLock::new();

/// A file: SQLite's part, ours, and behind them the file of SQLite's own file system.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Null where nobody keeps account of it.
    account: *mut Account,
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the name is null for the default; what is found lives for ever. The copy is leaked, so it does too.
        unsafe {
            let own = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!own.is_null(), "SQLite has a file system");
            let mut ours = *own;
            ours.szOsFile += size_of::<File>() as c_int;
            ours.pNext = ptr::null_mut();
            ours.zName = c"simulated".as_ptr();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            assert!(OWN.set(Own(own)).is_ok(), "it is registered once");
            let ours = Box::leak(Box::new(ours));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
        }
    });
}

fn own() -> *mut ffi::sqlite3_vfs {
    OWN.get().map_or(ptr::null_mut(), |own| own.0)
}

/// # Safety
/// `name` is null or a C string.
unsafe fn disk_of(name: *const c_char) -> Option<(Arc<Disk>, PathBuf)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()));
    let disk = lock(&DISKS).get(path.parent()?).cloned()?;
    Some((disk, path.to_owned()))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes at `file`: ours first, and the rest is for its own file system.
    unsafe {
        let ours = file.cast::<File>();
        ptr::write(
            ours,
            File { base: ffi::sqlite3_file { pMethods: ptr::null() }, account: ptr::null_mut() },
        );
        let Some(own_open) = (*own()).xOpen else { return ffi::SQLITE_ERROR };
        let opened = own_open(own(), name, inner(file), flags, flags_out);
        if (*inner(file)).pMethods.is_null() {
            return opened;
        }
        (*ours).base.pMethods = &METHODS;
        if opened == ffi::SQLITE_OK
            && flags & (ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL) != 0
            && let Some((disk, path)) = disk_of(name)
        {
            let image = || Image {
                durable: fs::read(&path).unwrap_or_default(),
                cached: Vec::new(),
                failed_syncs: 0,
            };
            let mut state = lock(&disk.0);
            let failed = state.files.entry(path.clone()).or_insert_with(image).failed_syncs;
            drop(state);
            let account = Account { disk, path, told: Cell::new(failed) };
            (*ours).account = Box::into_raw(Box::new(account));
        }
        opened
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite gives a C string, and its own file system gets what it would have got.
    unsafe {
        if let Some((disk, path)) = disk_of(name) {
            let mut state = lock(&disk.0);
            if state.dead {
                return ffi::SQLITE_IOERR_DELETE;
            }
            state.files.remove(&path);
        }
        (*own()).xDelete.map_or(ffi::SQLITE_ERROR, |delete| delete(own(), name, sync))
    }
}

/// # Safety
/// `file` was opened by [`open`].
unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: its file lies behind ours.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

/// # Safety
/// As [`inner`].
unsafe fn account<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a Account> {
    // SAFETY: the account lives until the file is closed.
    unsafe { (*file.cast::<File>()).account.as_ref() }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; the account was boxed by `open`.
    unsafe {
        let account = std::mem::replace(&mut (*file.cast::<File>()).account, ptr::null_mut());
        if !account.is_null() {
            drop(Box::from_raw(account));
        }
        pass_close(file)
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives `length` bytes.
    unsafe {
        let Some(Account { disk, path, .. }) = account(file) else {
            return pass_write(file, bytes, length, at);
        };
        let mut state = lock(&disk.0);
        let data = std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize);
        let (part, told) = match state.fate(data.len(), false) {
            Fate::Done => (data.len(), ffi::SQLITE_OK),
            Fate::Failed(part, told) => {
                let of = data.len();
                let name = path.file_name();
                state
                    .failures
                    .push(format!("{part} of {of} bytes at {at} written of {name:?}: {told}"));
                (part, told)
            }
        };
        if part > 0 {
            let written = pass_write(file, bytes, part as c_int, at);
            if written != ffi::SQLITE_OK {
                return written;
            }
            let change = Change::Write { at: at as usize, bytes: data[..part].to_vec() };
            if let Some(image) = state.files.get_mut(path) {
                image.cached.push(change);
            }
        }
        told
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as for every method.
    unsafe {
        if let Some(Account { disk, path, .. }) = account(file) {
            let mut state = lock(&disk.0);
            if state.dead {
                return ffi::SQLITE_IOERR_TRUNCATE;
            }
            if let Some(image) = state.files.get_mut(path) {
                image.cached.push(Change::Truncate(length as usize));
            }
        }
        pass_truncate(file, length)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as for every method.
    unsafe {
        let Some(Account { disk, path, told: heard }) = account(file) else {
            return pass_sync(file, flags);
        };
        let mut state = lock(&disk.0);
        // The account is the disk: the real one needs no sync.
        state.sync(path, heard).map_or_else(|told| told, |()| ffi::SQLITE_OK)
    }
}

/// Methods of SQLite's own file, called with its part of ours.
macro_rules! pass {
    ($($name:ident: $method:ident($($argument:ident: $kind:ty),*) -> $back:ty;)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> $back {
            // SAFETY: SQLite calls it for a file that `open` opened, whose own methods are there.
            unsafe {
                let inner = inner(file);
                let method = (*(*inner).pMethods).$method.expect("SQLite's files have every method");
                method(inner $(, $argument)*)
            }
        }
    )*};
}

pass! {
    pass_close: xClose() -> c_int;
    pass_read: xRead(into: *mut c_void, length: c_int, at: ffi::sqlite3_int64) -> c_int;
    pass_write: xWrite(bytes: *const c_void, length: c_int, at: ffi::sqlite3_int64) -> c_int;
    pass_truncate: xTruncate(length: ffi::sqlite3_int64) -> c_int;
    pass_sync: xSync(flags: c_int) -> c_int;
    pass_size: xFileSize(length: *mut ffi::sqlite3_int64) -> c_int;
    pass_lock: xLock(level: c_int) -> c_int;
    pass_unlock: xUnlock(level: c_int) -> c_int;
    pass_reserved: xCheckReservedLock(reserved: *mut c_int) -> c_int;
    pass_control: xFileControl(what: c_int, with: *mut c_void) -> c_int;
    pass_sector: xSectorSize() -> c_int;
    pass_character: xDeviceCharacteristics() -> c_int;
    pass_shm_map: xShmMap(region: c_int, bytes: c_int, extend: c_int, to: *mut *mut c_void) -> c_int;
    pass_shm_lock: xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    pass_shm_barrier: xShmBarrier() -> ();
    pass_shm_unmap: xShmUnmap(delete: c_int) -> c_int;
}

/// Version 2: all but mapped pages, which rtstats doesn't use.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(pass_read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(pass_size),
    xLock: Some(pass_lock),
    xUnlock: Some(pass_unlock),
    xCheckReservedLock: Some(pass_reserved),
    xFileControl: Some(pass_control),
    xSectorSize: Some(pass_sector),
    xDeviceCharacteristics: Some(pass_character),
    xShmMap: Some(pass_shm_map),
    xShmLock: Some(pass_shm_lock),
    xShmBarrier: Some(pass_shm_barrier),
    xShmUnmap: Some(pass_shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
