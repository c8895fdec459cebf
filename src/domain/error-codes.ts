/**
 * Every error code that leaves Aduana, with its cause and its remedy. `docs/errors.md` is made from this table.
 * A code never changes its meaning; the sentence that comes with it may.
 */
export const ERROR_CODES = {
  // Answers to a request.
  InvalidRequest: {
    place: 'answer',
    cause: 'A body, query option, header or path part does not have the form that the operation asks for.',
    remedy: 'Mend what `details` lists; each entry names the place and what was expected there.',
  },
  UnsupportedApiVersion: {
    place: 'answer',
    cause: 'The `api-version` is neither a date that Aduana knows nor a newer one.',
    remedy: 'Use `2022-10-01`, or `2021-06-01-preview`, or the `/v2` path.',
  },
  UnsupportedMediaType: {
    place: 'answer',
    cause: 'The body is not declared as JSON.',
    remedy: 'Send `Content-Type: application/json`.',
  },
  RequestTooLarge: {
    place: 'answer',
    cause: 'The body is larger than 1 MiB.',
    remedy:
      'Send fewer inputs in one request. The bytes of files are fetched from their URLs and never part of a request.',
  },
  Unauthenticated: {
    place: 'answer',
    cause:
      'There is no bearer token, or it is malformed, expired, or not from an issuer and for an audience that this server trusts.',
    remedy: 'Get a fresh token; on the machine of the server `aduana token` prints one.',
  },
  PermissionMissing: {
    place: 'answer',
    cause:
      'The token is good, but none of its roles carries the permission that the operation needs, or it lacks the scope in `target`.',
    remedy: 'Use a token with a role that has the permission named in the message.',
  },
  LoginCodeRefused: {
    place: 'answer',
    cause: 'The code of a login link is unknown, older than ten minutes, or was used before.',
    remedy: 'Make another link: on the machine of the server `aduana link` prints one.',
  },
  CrossSiteRequest: {
    place: 'answer',
    cause:
      'The browser says that a page of another origin sent the request, and this one only pages of the server may send.',
    remedy: 'Open the login link itself.',
  },
  NotFound: {
    place: 'answer',
    cause: 'There is no such instance, update, file, operation or webhook, or the caller has no role in that instance.',
    remedy: 'Check the path. Operations are forgotten seven days after they ended.',
  },
  ScannerNotConfigured: {
    place: 'answer',
    cause: 'A rescan was asked for, but the server has no malware scanner.',
    remedy: 'Operator: name one with `--scanner`.',
  },
  RangeNotSatisfiable: {
    place: 'answer',
    cause: 'The range asked for begins after the end of the file.',
    remedy: 'Ask for a range inside the size that `Content-Range` states.',
  },
  NotImplemented: {
    place: 'answer',
    cause: 'The path belongs to the device management half of the API, which Aduana does not have yet.',
    remedy: 'Use the import half of the API.',
  },
  TooManyRequests: {
    place: 'answer',
    cause:
      'The instance has used up its rate of requests, or has as many operations in progress as it may, or the caller as many event streams.',
    remedy: 'Try again after the seconds in `Retry-After`. Operator: see `--limits` and `--limit`.',
  },
  UnexpectedHost: {
    place: 'answer',
    cause:
      'A request over plain http names a host that this server is not known by, as a page does that rebinds its name to it.',
    remedy: 'Use localhost, 127.0.0.1, the host of `--public-url`, or https.',
  },
  Unavailable: {
    place: 'answer',
    cause:
      'The server is stopping, or its database, its store, its scanner or the issuer of the token does not answer, or all its event streams are taken.',
    remedy: 'Try again after the seconds in `Retry-After`.',
  },
  DatabaseFailed: {
    place: 'answer',
    cause:
      'The database cannot be read or written just now; the message has the reason, such as a full disk. Nothing was half done.',
    remedy: 'Try again after the seconds in `Retry-After`. Operator: make room or mend the disk; no restart is needed.',
  },
  TusVersionUnsupported: {
    place: 'answer',
    cause: 'A request to `/staging` does not say `Tus-Resumable: 1.0.0`.',
    remedy: 'Use a client for tus 1.0.0, or send the header.',
  },
  UploadOffsetWrong: {
    place: 'answer',
    cause:
      'The bytes that were sent do not begin where the upload ends: others came before them, or some were lost on the way.',
    remedy: 'Ask with HEAD for the `Upload-Offset`, and go on there. Clients for tus do so by themselves.',
  },
  UploadExpired: {
    place: 'answer',
    cause: 'Nobody sent anything to the upload, or imported it, for as long as uploads are kept.',
    remedy: 'Upload again. Operator: see `--staging-expiry`.',
  },
  UploadTooLarge: {
    place: 'answer',
    cause:
      'The upload is larger than a file of an update may be, has more bytes than were announced, or came in too many pieces.',
    remedy: 'Upload what an import manifest can name, with its true size, in pieces of some MiB or in one.',
  },
  StagingFull: {
    place: 'answer',
    cause: 'The upload does not fit beside the others of its instance, or its owner has as many as anybody may have.',
    remedy: 'Import or delete what is staged, or wait until it expires. Operator: see `--staging-max`.',
  },
  InternalError: {
    place: 'answer',
    cause: 'A mistake in Aduana. The log has the details under the same trace id.',
    remedy: 'Report it with the trace id.',
  },

  // The outer code of a failed operation.
  UpdateAlreadyExists: {
    place: 'operation',
    cause: 'An update with this identity is imported already. Letter case and leading zeros make no difference.',
    remedy: 'Give the update a new version, or delete the old one first.',
  },
  DuplicateContentImport: {
    place: 'operation',
    cause: 'The same import manifest was imported at the same time by another operation, and that one was first.',
    remedy: 'Nothing: the update is there. Look at it with Get Update.',
  },
  CannotProcessImportManifest: {
    place: 'operation',
    cause: 'The import manifest could not be fetched, or is not valid. The inner error says which.',
    remedy: 'Mend what the inner error and `details` name, and import again. `aduana check` judges a manifest offline.',
  },
  CannotProcessUpdateFile: {
    place: 'operation',
    cause: 'A payload file could not be fetched, or is not what the manifest says. The inner error says which.',
    remedy: 'Mend the file or its URL as the inner error says, and import again.',
  },
  DistributionFailed: {
    place: 'operation',
    cause:
      'A payload file was fetched and is good, but a distribution store that every import must reach (`--distribute-required`) did not take it. The message names the store and the last cause. Nothing was published.',
    remedy: 'Import again once the store is back. Operator: mend what the message names.',
  },
  ImportWouldFail: {
    place: 'operation',
    cause:
      'A check found what an import would fail of. `details` has every reason, each with the input that it is about.',
    remedy: 'Mend what `details` names, and check again. Nothing was kept.',
  },
  UpdateLimitExceeded: {
    place: 'operation',
    cause: 'The import would exceed a quota of the instance. The inner error says which.',
    remedy: 'Delete updates that are no longer needed, or let the operator raise the limit with `--limit`.',
  },
  UpdateNotFound: {
    place: 'operation',
    cause: 'The update to delete was deleted by another operation in the meantime.',
    remedy: 'Nothing: it is gone.',
  },
  UpdateInUse: {
    place: 'operation',
    cause: 'The update to delete is referenced by the updates that `details` names.',
    remedy: 'Delete those first; deleting a parent also deletes children that nothing else references.',
  },
  InterruptedByRestore: {
    place: 'operation',
    cause:
      'The operation was in progress when the backup was made that this server was restored from. Backups have no source URLs, so it cannot go on.',
    remedy: 'Import again, or delete again.',
  },

  // The inner code of a failed operation.
  CannotDownload: {
    place: 'inner',
    cause: 'The import manifest could not be downloaded, or is not the document that the request describes.',
    remedy: 'The innermost error has the cause.',
  },
  CannotParse: {
    place: 'inner',
    cause: 'The import manifest is not JSON or breaks rules of its schema.',
    remedy: '`details` lists every mistake with its JSON Pointer.',
  },
  UnsupportedVersion: {
    place: 'inner',
    cause: 'The `manifestVersion` is not one that Aduana knows.',
    remedy: 'Write the manifest in version 5.0 (or 4.0, 3.0, 2.0).',
  },
  UpdateProvider: { place: 'inner', cause: 'The quota of providers is used up.', remedy: 'See `UpdateLimitExceeded`.' },
  UpdateName: {
    place: 'inner',
    cause: 'The quota of names under the provider is used up.',
    remedy: 'See `UpdateLimitExceeded`.',
  },
  UpdateVersion: {
    place: 'inner',
    cause: 'The quota of versions under the provider and name is used up.',
    remedy: 'See `UpdateLimitExceeded`.',
  },
  UpdateTotal: { place: 'inner', cause: 'The quota of updates is used up.', remedy: 'See `UpdateLimitExceeded`.' },
  StorageTotal: {
    place: 'inner',
    cause: 'The files would take more bytes than the instance may store.',
    remedy: 'See `UpdateLimitExceeded`.',
  },
  ContentFileCannotDownload: {
    place: 'inner',
    cause: 'A payload file could not be downloaded, or is not the file that the manifest describes.',
    remedy: 'The innermost error has the cause.',
  },

  SourceFileMalwareDetected: {
    place: 'inner',
    cause: 'The malware scanner found a known signature in a file. The message has its name and the hash of the file.',
    remedy: 'Do not publish the file. If it is harmless, report the false alarm to the makers of the signatures.',
  },
  SourceFileNotScanned: {
    place: 'inner',
    cause: 'A file could not be scanned for malware, and scanning is required. The message has the reason.',
    remedy:
      'Operator: see that the scanner runs and takes files of this size, or allow unscanned files with `--scan best-effort`.',
  },

  // The innermost code: what really happened to a source or its bytes.
  SourceRefused: {
    place: 'source',
    cause:
      'The URL, or a redirect, leads to an address that this server must not fetch from; or a redirect leads from https to http, or the URL has a user name.',
    remedy: 'Use a public address, or let the operator allow this one with `--allow-source`.',
  },
  SourceUnreachable: {
    place: 'source',
    cause: 'The host name does not resolve, the connection was refused or broke, or TLS failed.',
    remedy: 'Check the URL and that the source is up, and import again.',
  },
  SourceStatus: {
    place: 'source',
    cause: 'The source answered with an HTTP status other than 200.',
    remedy: 'Check that the URL is right and readable without signing in; 403 often means a wrong or outdated SAS.',
  },
  SourceExpired: {
    place: 'source',
    cause: 'The signature in the URL expired (its `se=` time has passed) before the file was fetched.',
    remedy: 'Make a new SAS URL that lasts longer, at least four hours, and import again.',
  },
  SourceRedirects: {
    place: 'source',
    cause: 'The source redirected more than five times, or to something that is no http or https URL.',
    remedy: 'Use the final URL.',
  },
  SourceTimeout: {
    place: 'source',
    cause: 'The source did not connect, did not answer, stopped sending or was too slow for too long.',
    remedy: 'Try again, or use a faster source.',
  },
  SourceTruncated: {
    place: 'source',
    cause: 'The source closed the connection before it had sent what it promised.',
    remedy: 'Try again; check the source if it happens twice.',
  },
  SizeMismatch: {
    place: 'source',
    cause: 'The source has more or fewer bytes than the size stated for the file.',
    remedy: 'Check that the URL names the right file and that the manifest was made from it.',
  },
  HashMismatch: {
    place: 'source',
    cause: 'The bytes have another hash than the one stated.',
    remedy:
      'Check that the URL names the right file and that the manifest was made from it. Hashes are base64 of the raw digest.',
  },
  SourceChanged: {
    place: 'source',
    cause: 'The source broke off again and again, and each time had other bytes behind the same URL.',
    remedy: 'Put the file where nobody changes it while it is imported, and import again.',
  },
  StagedUploadMissing: {
    place: 'source',
    cause:
      'An import names an upload as `staging:ID` that is not there: it was never made, by this caller in this instance, or was deleted or imported.',
    remedy: 'Upload the file, and name it by its new id.',
  },
  StagedUploadIncomplete: {
    place: 'source',
    cause: 'An import names an upload that has not all of its bytes yet.',
    remedy: 'Upload the rest, and import again.',
  },
  StagedUploadExpired: {
    place: 'source',
    cause: 'An import names an upload that was kept for as long as uploads are, and is gone.',
    remedy: 'Upload the file again, and import it sooner. Operator: see `--staging-expiry`.',
  },
  StoreFull: {
    place: 'source',
    cause: 'The store has no room for the file. The message has the bytes that are free and those that are needed.',
    remedy: 'Operator: make room. Then import again; no restart is needed.',
  },
  StoreFailed: {
    place: 'source',
    cause: 'The store could not keep the bytes; the message has its reason.',
    remedy: 'Operator: mend the store. Then import again; no restart is needed.',
  },
  BlobMissing: {
    place: 'source',
    cause: 'Bytes that the catalogue names are not in the store.',
    remedy: 'Import the update again, or restore the store from a backup.',
  },

  // Mistakes in a document (an import manifest or a request body), each with a JSON Pointer.
  DocumentNotJson: {
    place: 'finding',
    cause: 'The document is not JSON in UTF-8.',
    remedy: 'Check that the URL leads to the manifest itself, not to a web page, and that the file is whole.',
  },
  DocumentTooLarge: {
    place: 'finding',
    cause: 'An import manifest has more than 1 MiB, or more than 10,000 members and items.',
    remedy: 'Payload belongs into files, not into the manifest.',
  },
  DocumentTooDeep: {
    place: 'finding',
    cause: 'The document is nested deeper than 64 levels.',
    remedy: 'Flatten it.',
  },
  MemberMissing: { place: 'finding', cause: 'A required member is missing.', remedy: 'Add it.' },
  MemberUnknown: {
    place: 'finding',
    cause: 'A member is not known at this place.',
    remedy: 'Remove it, or check its spelling.',
  },
  MemberRepeated: {
    place: 'finding',
    cause: 'A member stands twice in one object; names that differ only in letter case count as the same.',
    remedy: 'Keep one.',
  },
  TypeWrong: {
    place: 'finding',
    cause: 'A value has another JSON type than expected.',
    remedy: 'Write it as the message says.',
  },
  LengthWrong: {
    place: 'finding',
    cause: 'A text is too short or too long.',
    remedy: 'Keep to the limits in the message.',
  },
  CountWrong: {
    place: 'finding',
    cause: 'A list or object has too few or too many entries.',
    remedy: 'Keep to the limits in the message.',
  },
  FormatWrong: {
    place: 'finding',
    cause: 'A text does not have the form asked for.',
    remedy: 'Write it as the message says.',
  },
  NumberWrong: {
    place: 'finding',
    cause: 'A number is not whole or out of bounds.',
    remedy: 'Keep to the limits in the message.',
  },
  HashWrong: {
    place: 'finding',
    cause: 'A hash is not base64 of a digest of its algorithm.',
    remedy: 'Write the raw digest in standard base64 (44 characters for SHA-256), not in hex.',
  },
  FileNameUnsafe: {
    place: 'finding',
    cause: 'A file name has a path separator, a control character, or is `.` or `..`.',
    remedy: 'Use a plain file name.',
  },
  FileNameRepeated: {
    place: 'finding',
    cause: 'Two files have the same name; letter case makes no difference.',
    remedy: 'Give every file of an update its own name.',
  },
  FileTotalTooLarge: {
    place: 'finding',
    cause: 'The files of one update are together larger than allowed.',
    remedy: 'Split the update into a parent and children.',
  },
  StepFileUnknown: {
    place: 'finding',
    cause: 'A step names a file that `files` does not list.',
    remedy: 'Add the file to `files`, or correct the name.',
  },
  FilesMissing: {
    place: 'finding',
    cause: 'An update without reference steps (or bundled updates) has no files.',
    remedy: 'List at least one file.',
  },
  FileNotSupplied: {
    place: 'finding',
    cause: 'The manifest lists a file for which the request has no URL.',
    remedy: 'Add `{filename, url}` to the `files` of the request; related files too.',
  },
  FileNotListed: {
    place: 'finding',
    cause: 'The request has a URL for a file that the manifest does not list.',
    remedy: 'Remove it from the request, or list it in the manifest. The manifest itself is not one of its files.',
  },
  SizeNotStated: {
    place: 'finding',
    cause:
      'The source of a file does not say how many bytes it has, so a check that does not read them cannot compare the size. Only a warning.',
    remedy: 'Check with `deep=true`, or use a source that sends `Content-Length`.',
  },
  UpdateRepeated: {
    place: 'finding',
    cause: 'Two inputs of one request have the same update identity.',
    remedy: 'Send each update once.',
  },
  ReferenceToSelf: { place: 'finding', cause: 'An update references itself.', remedy: 'Reference another update.' },
  ReferenceNotFound: {
    place: 'finding',
    cause: 'A referenced update is neither imported nor part of the same request.',
    remedy: 'Import the child first, or together with its parent.',
  },
  ReferenceDeployable: {
    place: 'finding',
    cause: 'A referenced update is deployable on its own.',
    remedy: 'Write `"isDeployable": false` into the manifest of the child.',
  },
  ReferenceNested: {
    place: 'finding',
    cause: 'A referenced update has references itself; only one level is allowed.',
    remedy: 'Let the parent reference the grandchild directly.',
  },
  Advice: {
    place: 'finding',
    cause: 'The manifest is valid, but the device will probably not accept it, or a tool misread it. Only a warning.',
    remedy: 'Follow the message.',
  },
} as const satisfies Record<string, ErrorText>

interface ErrorText {
  /** Where a client meets the code. */
  place: 'answer' | 'operation' | 'inner' | 'source' | 'finding'
  cause: string
  remedy: string
}

export type ErrorCode = keyof typeof ERROR_CODES
