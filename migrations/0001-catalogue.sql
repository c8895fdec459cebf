-- Read by src/store/migrate.ts, for SQLite and PostgreSQL alike. {{text}} is a text that is compared byte by byte;
-- {{now_ms}} is the database's clock. Times are milliseconds since 1970, sizes are bytes.

-- One clock for leases and time stamps, whichever node asks.
create view clock as select {{now_ms}} as now_ms;

create table instances (
  instance {{text}} primary key,
  created_at bigint not null,
  -- Since when everything that its updates name shall be scanned again, unless the verdict rests on `rescan_signatures`; null there
  -- spares nothing. `rescan_ended_at` is null while something may be left to do.
  rescan_wanted_at bigint,
  rescan_signatures {{text}},
  rescan_ended_at bigint
);

-- One row for each content that the store holds. `name` is the copy that is in force: <sha256>.<8 hex digits>.
-- `idle_since` is set when an update that names it is deleted or an import that held it fails, and cleared when an import asks
-- for it: sweep looks only at idle blobs.
create table blobs (
  sha256 {{text}} primary key,
  name {{text}} not null unique,
  size_in_bytes bigint not null,
  stored_at bigint not null,
  idle_since bigint,
  -- JSON: the last verdict of the malware scanner, with the signatures it rests on; both again in columns, to be compared. A scan
  -- that came to none leaves an earlier one in force.
  verdict {{text}},
  scan_result {{text}},
  signatures {{text}},
  -- When the scanner last came to a verdict, or a rescan gave up: then `scan_failure` says why. 0 before the first time; each
  -- time is later than the one before, so that it also tells whether anybody scanned meanwhile.
  scanned_at bigint not null default 0,
  scan_failure {{text}}
);
create index blobs_by_idleness on blobs (idle_since);

create table updates (
  id {{text}} primary key,
  instance {{text}} not null references instances (instance),
  provider {{text}} not null,
  name {{text}} not null,
  version {{text}} not null,
  -- Found and kept unique without regard to letter case; version_order sorts the newest first.
  provider_key {{text}} not null,
  name_key {{text}} not null,
  version_order {{text}} not null,
  description {{text}},
  friendly_name {{text}},
  is_deployable boolean not null,
  update_type {{text}},
  installed_criteria {{text}},
  -- JSON, to the letter of the manifest.
  compatibility {{text}} not null,
  steps {{text}},
  manifest_version {{text}} not null,
  manifest_sha256 {{text}} not null references blobs (sha256),
  created_date_time {{text}} not null,
  imported_at bigint not null,
  scan_result {{text}} not null,
  -- The import that brought it; the audit log says who asked for that.
  operation_id {{text}} not null,
  -- Changes with every change of what Get Update answers, such as a new parent.
  etag {{text}} not null,
  unique (instance, provider_key, name_key, version_order)
);
create index updates_by_deployable on updates (instance, is_deployable, provider_key, name_key, version_order);
create index updates_by_manifest on updates (manifest_sha256);
create index updates_infected on updates (instance, provider_key, name_key, version_order) where scan_result = 'Infected';

-- A parent holds its children: a child that is referenced cannot be deleted.
create table update_references (
  parent_id {{text}} not null references updates (id) on delete cascade,
  child_id {{text}} not null references updates (id),
  primary key (parent_id, child_id)
);
create index references_by_child on update_references (child_id);

-- The words that List Updates finds an update by, lower-cased. What the list sorts and filters by is here again, so that the
-- updates of a word are read in order and no further than the page needs.
create table update_terms (
  instance {{text}} not null,
  term {{text}} not null,
  provider_key {{text}} not null,
  name_key {{text}} not null,
  version_order {{text}} not null,
  is_deployable boolean not null,
  update_id {{text}} not null references updates (id) on delete cascade,
  primary key (update_id, term)
);
create index terms_in_order on update_terms
  (instance, term, provider_key, name_key, version_order, is_deployable, update_id);

create table files (
  update_id {{text}} not null references updates (id) on delete cascade,
  file_id {{text}} not null,
  ordinal bigint not null,
  -- For a related file, the file that it belongs to.
  base_file_id {{text}},
  instance {{text}} not null,
  file_name {{text}} not null,
  size_in_bytes bigint not null,
  -- JSON: algorithm → base64.
  hashes {{text}} not null,
  sha256 {{text}} not null references blobs (sha256),
  -- JSON, to the letter of the manifest.
  properties {{text}},
  mime_type {{text}},
  download_handler_id {{text}},
  -- The unguessable part of the file's address.
  content_id {{text}} not null unique,
  scan_result {{text}} not null,
  scan_details {{text}},
  etag {{text}} not null,
  primary key (update_id, file_id)
);
create index files_by_content on files (sha256);
-- What an instance has, in the order of its contents, and how large that is.
create index files_by_instance on files (instance, sha256, size_in_bytes);

create table operations (
  id {{text}} primary key,
  instance {{text}} not null references instances (instance),
  kind {{text}} not null,
  status {{text}} not null,
  -- JSON: what to do. Holds source URLs with their signatures, so it is wiped when the operation ends.
  request {{text}},
  requested_by {{text}} not null,
  trace_id {{text}} not null,
  -- The span in that trace which asked for it, and the flags, as a traceparent ends: `00f067aa0ba902b7-01`.
  trace_span {{text}},
  created_at bigint not null,
  last_action_at bigint not null,
  ended_at bigint,
  -- When the operation next wants a worker: its creation while it waits, the end of the lease while it runs, null once it
  -- has ended. `attempt` fences: whoever publishes or finishes must still hold the attempt it claimed.
  due_at bigint,
  attempt bigint not null,
  error {{text}},
  -- JSON: what a check found that would stop no import.
  warnings {{text}},
  etag {{text}} not null
);
-- A claim looks for the instance whose turn it is, and there for what has waited longest.
create index operations_by_due on operations (instance, due_at, id);
create index operations_by_age on operations (instance, kind, created_at, id);
create index operations_by_end on operations (ended_at);
create index operations_by_status on operations (instance, kind, status, created_at, id);
create index operations_in_progress on operations (instance, kind, created_at, id) where due_at is not null;
-- A claim counts what each instance has running, and a start frees all of it: neither may read what waits or has ended.
create index operations_running on operations (instance) where status = 'Running';

-- The updates that an operation is about, known once their manifests are read. `shown` marks the one that the API names.
create table operation_items (
  operation_id {{text}} not null references operations (id) on delete cascade,
  ordinal bigint not null,
  provider {{text}} not null,
  name {{text}} not null,
  version {{text}} not null,
  description {{text}},
  friendly_name {{text}},
  shown boolean not null,
  primary key (operation_id, ordinal)
);

-- How far an import is with each file. A file that is done is not fetched again by the next attempt.
create table operation_files (
  operation_id {{text}} not null references operations (id) on delete cascade,
  item bigint not null,
  ordinal bigint not null,
  file_name {{text}} not null,
  size_in_bytes bigint not null,
  bytes_done bigint not null,
  phase {{text}} not null,
  -- The partial blob that the next attempt can go on with, and the strong ETag of the source it came from.
  partial {{text}},
  source_etag {{text}},
  -- The unguessable part of the address that the file will have: the same for every attempt.
  content_id {{text}} not null,
  primary key (operation_id, item, ordinal)
);

-- Blobs that a running import needs: sweep leaves them alone although no update names them yet.
create table blob_holds (
  operation_id {{text}} not null references operations (id) on delete cascade,
  sha256 {{text}} not null,
  primary key (operation_id, sha256)
);
create index holds_by_blob on blob_holds (sha256);

-- Who did what, from where, and when. Rows are only added, and forgotten after a time.
create table audit (
  id {{text}} primary key,
  at bigint not null,
  action {{text}} not null,
  instance {{text}} not null,
  subject {{text}},
  issuer {{text}},
  address {{text}} not null,
  trace_id {{text}} not null,
  operation_id {{text}},
  code {{text}},
  target {{text}}
);
create index audit_by_instance on audit (instance, at, id);
create index audit_by_age on audit (at);
create index audit_by_operation on audit (instance, operation_id, at, id) where operation_id is not null;
create index audit_by_target on audit (instance, target, at, id) where target is not null;

-- The processes that share this database. A node that was not seen for a while counts for nothing.
create table nodes (
  node {{text}} primary key,
  seen_at bigint not null,
  -- What it runs: both may be true.
  is_api boolean not null,
  is_worker boolean not null,
  version {{text}} not null
);

-- What one node at a time should do, such as sweeping. It is only for economy: done twice it would do no harm.
create table duties (
  duty {{text}} primary key,
  node {{text}} not null,
  due_at bigint not null
);

-- Keys that all nodes share, such as that of the local issuer: whoever reads the database can sign with them.
create table shared_keys (
  name {{text}} primary key,
  value {{text}} not null
);

-- The copies of files that distribution stores should have, and what is known of each. The catalogue says what is wanted: a row here that
-- is lost or wrong is put right by the next check of the store. `state` is one of Waiting (to be copied), Present and Dropping.
create table distribution (
  store {{text}} not null,
  content_id {{text}} not null,
  instance {{text}} not null,
  file_name {{text}} not null,
  size_in_bytes bigint not null,
  state {{text}} not null,
  -- Since when it has that state.
  changed_at bigint not null,
  -- When there is something to do; null while it is Present. `tries` failed since the state changed, the last one for this `reason`.
  due_at bigint,
  tries bigint not null,
  reason {{text}},
  primary key (store, content_id)
);
create index distribution_by_content on distribution (content_id);
create index distribution_by_due on distribution (store, due_at) where due_at is not null;
create index distribution_by_state on distribution (store, instance, state, changed_at, content_id);

-- What the last check of a distribution store found. It stays when a store is no longer configured.
create table distribution_checks (
  store {{text}} primary key,
  -- The last one that came to its end, and how many copies it saw, missed, and deleted since nothing names them.
  checked_at bigint,
  listed bigint,
  missing bigint,
  deleted bigint,
  -- The last one that did not, and why.
  failed_at bigint,
  failure {{text}}
);

-- What callers upload to be imported, each upload of one subject in one instance. Its bytes are parts, each an ordinary blob, in the order
-- of their starts: `bytes_received` of them count. It lives until `expires_at`, which each byte and each import that fails moves on by
-- `keep_ms`, and while an operation uses it. Then its parts are released; the row stays for a while, to tell what became of it.
create table staged_uploads (
  id {{text}} primary key,
  instance {{text}} not null references instances (instance),
  subject {{text}} not null,
  issuer {{text}} not null,
  -- What the client said of it (tus 1.0.0, Upload-Metadata), to the letter.
  metadata {{text}} not null,
  file_name {{text}} not null,
  size_in_bytes bigint not null,
  bytes_received bigint not null,
  created_at bigint not null,
  keep_ms bigint not null,
  expires_at bigint not null,
  released_at bigint
);
create index staged_uploads_by_owner on staged_uploads (instance, subject, issuer, created_at, id) where released_at is null;
create index staged_uploads_by_instance on staged_uploads (instance, size_in_bytes) where released_at is null;
create index staged_uploads_by_expiry on staged_uploads (expires_at) where released_at is null;
create index staged_uploads_by_release on staged_uploads (released_at) where released_at is not null;

-- A part is noted before its bytes are stored, so that sweep spares them, and kept once they are.
create table staged_parts (
  upload_id {{text}} not null references staged_uploads (id) on delete cascade,
  start bigint not null,
  sha256 {{text}} not null,
  size_in_bytes bigint not null,
  is_kept boolean not null,
  primary key (upload_id, start, sha256)
);
create index staged_parts_by_blob on staged_parts (sha256);

-- The uploads that an operation which has not ended names.
create table staged_uses (
  operation_id {{text}} not null references operations (id) on delete cascade,
  upload_id {{text}} not null references staged_uploads (id) on delete cascade,
  primary key (operation_id, upload_id)
);
create index staged_uses_by_upload on staged_uses (upload_id);

-- What has happened, for those who wait for it. A row enters in the batch of what it tells, without a number; one node at a time gives numbers,
-- one after the other, so that whoever has read up to a number has missed nothing below it.
create table events (
  id {{text}} primary key,
  number bigint unique,
  instance {{text}} not null references instances (instance),
  type {{text}} not null,
  at bigint not null,
  -- The order of events of the same moment: what begins, what it does, its end.
  step bigint not null,
  operation_id {{text}},
  kind {{text}},
  provider {{text}},
  name {{text}},
  version {{text}},
  -- JSON: what else there is to tell.
  facts {{text}} not null
);
create index events_without_number on events (at, step, id) where number is null;
create index events_by_instance on events (instance, number);

-- Whom an instance tells of its events. `secret` signs what is sent; without one, as after a restore, nothing is. `types` is a list in JSON, null for
-- all. Deliveries were made of all events up to the number in `taken`.
create table webhooks (
  instance {{text}} not null references instances (instance),
  name {{text}} not null,
  url {{text}} not null,
  secret {{text}},
  types {{text}},
  created_at bigint not null,
  changed_at bigint not null,
  taken bigint not null,
  -- How the last tries went.
  delivered_at bigint,
  failed_at bigint,
  reason {{text}},
  primary key (instance, name)
);

-- Events that a webhook is still to be told of. `due_at` is when it is tried next, or a try under way counts as lost; null once it was given up.
create table webhook_deliveries (
  instance {{text}} not null,
  name {{text}} not null,
  event_id {{text}} not null references events (id) on delete cascade,
  due_at bigint,
  tries bigint not null,
  failed_at bigint,
  reason {{text}},
  primary key (instance, name, event_id),
  foreign key (instance, name) references webhooks (instance, name) on delete cascade
);
create index deliveries_by_due on webhook_deliveries (instance, name, due_at) where due_at is not null;
create index deliveries_by_failure on webhook_deliveries (instance, name, failed_at, event_id) where due_at is null;
create index deliveries_by_event on webhook_deliveries (event_id);
