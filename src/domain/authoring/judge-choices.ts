import type { ErrorCode } from '../error-codes.ts'
import type { AppError } from '../errors.ts'
import type { ImportManifest } from '../import-manifest.ts'
import { quote } from '../json-document.ts'
import { readImportManifest } from '../read-import-manifest.ts'
import type { UpdateChoices } from './choices.ts'
import { findUnfit } from './find-unfit.ts'
import { type Place, placeOf } from './place-of.ts'
import { writeImportManifest } from './write-import-manifest.ts'

export interface ChoiceFinding {
  code: ErrorCode
  /** A whole sentence that says what to do. */
  message: string
  /** Which choice it is about. */
  place: Place
}

export interface Judgement {
  /** The import manifest, right or wrong. */
  text: string
  /** There only if `errors` is empty. */
  manifest?: ImportManifest
  errors: ChoiceFinding[]
  /** Advice that stops nothing. */
  warnings: ChoiceFinding[]
}

/**
 * Writes the import manifest and says of it what the import will say, told in terms of the choices. There are no rules for
 * manifests here: the manifest is read by the very reader of the import.
 */
export function judgeChoices(choices: UpdateChoices): Judgement {
  const text = writeImportManifest(choices)
  const { manifest, errors, warnings } = readImportManifest(new TextEncoder().encode(text))
  const unfit = findUnfit(choices)
  const found = [...unfit, ...errors.map(findingOf).filter(({ place }) => !unfit.some((other) => covers(other, place)))]
  return {
    text,
    ...(manifest && found.length === 0 && { manifest }),
    errors: found,
    warnings: warnings.map(findingOf),
  }
}

function findingOf({ code, message, target }: AppError): ChoiceFinding {
  // Where a list of files is left out, it is the manifest as a whole that lacks them.
  const place = code === 'FilesMissing' ? ['files'] : placeOf(target ?? '')
  if (code !== 'MemberRepeated') return { code, message, place }
  // The reader names the lines, which nobody who chooses has seen.
  return {
    code,
    message: `${quote(String(place.at(-1)))} is given twice; letter case makes no difference. Keep one.`,
    place,
  }
}

/** What is wrong inside of something that must go is of no interest. */
function covers({ place }: ChoiceFinding, inner: Place): boolean {
  return place.every((part, i) => inner[i] === part)
}
