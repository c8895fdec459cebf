import { examine } from '../../src/compose/doctor.ts'
import { DOCTOR_SETTINGS } from '../../src/config/command-settings.ts'
import { readSettings } from '../../src/config/read-settings.ts'

/** What the doctor says of what the flags name, as tests look at it. */
export async function examineFlags(
  flags: Record<string, string | string[] | undefined>,
  options: { isDeep?: boolean; isRepair?: boolean } = {},
) {
  const report = await examine(readSettings(DOCTOR_SETTINGS, { flags, environment: {}, known: [] }), options)
  const complaints = report.steps.filter(({ status }) => status === 'problem' || status === 'warning')
  return {
    ...report,
    complaints: complaints.map(({ step, status }) => `${step}: ${status}`),
    skipped: report.steps.filter(({ status }) => status === 'skipped').map(({ step }) => step),
    text: complaints.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n'),
    notes: report.steps.flatMap(({ findings }) => findings.map(({ level, message }) => `${level}: ${message}`)),
    mended: report.steps.flatMap(({ mended }) => mended.map(({ message }) => message)),
    summaryOf: (name: string) => report.steps.find(({ step }) => step === name)?.summary,
  }
}
