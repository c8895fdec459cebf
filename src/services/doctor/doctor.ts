import type { Finding, Level, Step } from './step.ts'

export type StepStatus = 'ok' | 'warning' | 'problem' | 'skipped'

export interface StepReport {
  step: string
  title: string
  status: StepStatus
  /** What was looked at, or why nothing was. */
  summary: string
  /** The first ones. */
  findings: Finding[]
  /** How many more there were. */
  findingsLeftOut: number
  /** What was wrong and is mended, the first ones. */
  mended: Omit<Finding, 'level'>[]
  mendedLeftOut: number
}

/** A damaged store of a million blobs must not fill the memory with sentences. */
const KEPT_MAX = 1000

export interface DoctorHooks {
  onBegin?: (step: Step) => void
  onProgress?: (doneBytes: number, totalBytes: number) => void
  onEnd?: (report: StepReport) => void
}

/** Runs the steps in their order. One that cannot be finished is a problem by itself, and never keeps the others from being run. */
export async function runDoctor(steps: readonly Step[], hooks: DoctorHooks = {}): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (const step of steps) {
    hooks.onBegin?.(step)
    const missing = reports.find(
      ({ step: name, status }) => step.needs.includes(name) && (status === 'problem' || status === 'skipped'),
    )
    const report = missing === undefined ? await runStep(step, hooks) : skipped(step, missing)
    reports.push(report)
    hooks.onEnd?.(report)
  }
  return reports
}

/** Whether there is nothing that anybody should act on. */
export function isWell(reports: readonly StepReport[]): boolean {
  return reports.every(({ status }) => status === 'ok')
}

async function runStep(step: Step, { onProgress }: DoctorHooks): Promise<StepReport> {
  const report: StepReport = { ...emptyReport(step), status: 'ok' }
  function add(level: Level, message: string, target: string | undefined): void {
    if (level === 'problem' || (level === 'warning' && report.status === 'ok')) report.status = level
    if (report.findings.length < KEPT_MAX) report.findings.push({ level, message, ...(target && { target }) })
    else report.findingsLeftOut += 1
  }
  try {
    report.summary = await step.run({
      note: (message, target) => add('note', message, target),
      warn: (message, target) => add('warning', message, target),
      problem: (message, target) => add('problem', message, target),
      mended(message, target) {
        if (report.mended.length < KEPT_MAX) report.mended.push({ message, ...(target && { target }) })
        else report.mendedLeftOut += 1
      },
      progress: (done, total) => onProgress?.(done, total),
    })
  } catch (error) {
    add('problem', error instanceof Error ? error.message : String(error), undefined)
    report.summary = 'This could not be looked at to its end.'
  }
  return report
}

function skipped(step: Step, missing: StepReport): StepReport {
  return { ...emptyReport(step), summary: `Left out, because of what "${missing.title}" found.` }
}

function emptyReport({ name, title }: Step): StepReport {
  return {
    step: name,
    title,
    status: 'skipped',
    summary: '',
    findings: [],
    findingsLeftOut: 0,
    mended: [],
    mendedLeftOut: 0,
  }
}
