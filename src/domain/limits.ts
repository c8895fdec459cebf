/** Every bound in one place, each with its reason. Sizes are bytes, times milliseconds. */

const MiB = 1024 * 1024

export const LIMITS = {
  /** A body only names URLs, sizes and hashes: 11 inputs of 50 long SAS URLs stay far below. */
  requestBodyBytesMax: MiB,
  /** One parent and ten children (REST API 2022-10-01, Import Update). */
  inputsMax: 11,
  /** SAS URLs are long, but browsers and proxies stop near 8 KiB. */
  urlLengthMax: 8192,
  /** Ten files with four related files each are fifty; a little room lets a slip be told as what it is. */
  requestFilesMax: 100,
  /** Real requests name one digest or two; Node itself knows a dozen algorithms worth naming. */
  hashesMax: 16,
  /** SHA-512 in base64 has 88 characters; there is room for what is not known here. */
  hashLengthMax: 256,
  /** Four times what a file may be called: a name that is a little too long is told as what it is, by the operation. */
  requestFileNameLengthMax: 1024,
  friendlyNameLengthMax: 512,
  /** Real manifests have a few kilobytes; the whole manifest is held in memory. */
  manifestBytesMax: MiB,
  jsonDepthMax: 64,
  /**
   * Members and items of a body or a manifest, counted before it is parsed: a request of 11 inputs with 100 files each has some 3,500. One
   * MiB has room for hundreds of thousands, and nothing else is answered while they are looked at.
   */
  jsonValuesMax: 10_000,
  /** Import schema 4.0, file.sizeInBytes. */
  fileBytesMax: 2_147_483_648,
  /** Import schema 4.0, files: "Sum of all file sizes may not exceed 2 GB". */
  updateBytesMax: 2_147_483_648,
  /** Import manifest 2.0: 512 MB per file and per update. */
  fileBytesMaxV2: 536_870_912,
  updateBytesMaxV2: 536_870_912,
  filesMax: 10,
  filesMaxV2: 5,
  relatedFilesMax: 4,
  fileNameLengthMax: 255,
  /** What is searched in is at most this long: descriptions and friendly names. */
  searchLengthMax: 512,
  /** A person mends the first ones first; a hostile document must not make megabytes of advice. */
  findingsMax: 100,
  /** A check of 11 inputs tells the mistakes of all of them, but what it found is one row and one answer. */
  checkFindingsMax: 1000,
  /** Import schema 4.0, instructions.steps, inlineStep.files, compatibility and compatibilityInfo. */
  stepsMax: 10,
  stepFilesMax: 10,
  compatibilityMax: 10,
  compatibilityPropertiesMax: 5,
  compatibilityNameLengthMax: 32,
  compatibilityValueLengthMax: 64,
  /** Import manifest 3.0, as its official tool checks it. */
  bundledUpdatesMax: 10,
  /** Import schema 4.0, updateId, description, inlineStep. */
  identityLengthMax: 64,
  descriptionLengthMax: 512,
  stepDescriptionLengthMax: 64,
  handlerLengthMin: 5,
  handlerLengthMax: 32,
  /** Import schema 5.0 says 32, its documentation 64: the wider one is taken. */
  downloadHandlerLengthMax: 64,
  /** Import manifest 2.0, InstalledCriteria. */
  installedCriteriaLengthMax: 64,
  /** Far beyond what a device installs in one step; a document of 1 MiB must not make megabytes of advice. */
  aptPackagesMax: 1000,
  aptTextLengthMax: 255,
  redirectsMax: 5,
  /** Of one owner in one instance: a release has some fifty files, and a build that fails may leave many behind. */
  stagedUploadsMax: 1000,
  /** Each is a blob and a row. An upload of 2 GiB has 256, unless it comes in drops. */
  stagedPartsMax: 10_000,
  /** Room for a file name of 255 characters in base64, and for what clients say besides. */
  stagingMetadataLengthMax: 4096,
} as const
