import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scanner, ScannerStatus } from '../../ports/scanner.ts'
import { checkCertificates } from './check-certificates.ts'
import { checkClock } from './check-clock.ts'
import { checkDisk } from './check-disk.ts'
import { checkOperations } from './check-operations.ts'
import { checkScanner } from './check-scanner.ts'
import { isWell, runDoctor } from './doctor.ts'
import type { Step } from './step.ts'

const DAY_MS = 24 * 3600 * 1000
const MiB = 1024 * 1024

function step(name: string, run: Step['run'], needs: string[] = []): Step {
  return { name, title: name, needs, run }
}

/** The status and what was said, of one step alone. */
async function outcome(only: Step) {
  const [report] = await runDoctor([{ ...only, needs: [] }])
  assert.ok(report)
  return `${report.status}: ${report.findings.map(({ level, message }) => `${level} ${message}`).join(' | ')}`
}

test('a step that throws is a problem by itself, and those that rest on it are left out, those that do not are run', async () => {
  const reports = await runDoctor([
    step('broken', async () => {
      throw new Error('The disk is on fire.')
    }),
    step('upon', async () => 'never said', ['broken']),
    step('further upon', async () => 'never said', ['upon']),
    step('apart', async () => 'Looked.'),
  ])
  assert.deepEqual(
    reports.map(({ status }) => status),
    ['problem', 'skipped', 'skipped', 'ok'],
  )
  assert.deepEqual(reports[0]?.findings, [{ level: 'problem', message: 'The disk is on fire.' }])
  assert.ok(!isWell(reports))
})

test('a note leaves a step well, a warning does not, and a problem outweighs both', async () => {
  const said = async (...levels: ('note' | 'warn' | 'problem')[]) =>
    runDoctor([
      step('any', async (pen) => {
        for (const level of levels) pen[level]('Something.')
        return ''
      }),
    ])
  assert.ok(isWell(await said('note')))
  assert.ok(!isWell(await said('note', 'warn')))
  assert.equal((await said('problem', 'warn'))[0]?.status, 'problem')
})

test('of very many findings the first thousand are kept and the others counted', async () => {
  const [report] = await runDoctor([
    step('many', async (pen) => {
      for (let number = 0; number < 2500; number += 1) {
        pen.problem(`Number ${number}.`)
        pen.mended(`Number ${number}.`)
      }
      return ''
    }),
  ])
  assert.deepEqual([report?.findings.length, report?.findingsLeftOut], [1000, 1500])
  assert.deepEqual([report?.mended.length, report?.mendedLeftOut], [1000, 1500])
})

test('little room on the disk is a warning, and none a problem', async () => {
  const disk = (freeBytes: number, freeFiles?: number) =>
    outcome(checkDisk(async () => [{ path: '/data', freeBytes, totalBytes: 10_000 * MiB, freeFiles }]))
  assert.equal(await disk(2000 * MiB, 100_000), 'ok: ')
  assert.match(await disk(500 * MiB), /^warning: .*500 of 10000 MiB/)
  assert.match(await disk(64 * MiB), /^problem: .*no file is taken in/)
  assert.match(await disk(2000 * MiB, 10), /^warning: .*only 10 more files/)
})

test('a certificate that should have been renewed is a warning, of an own one a month before its end', async () => {
  const certificate = (daysLeft: number, isRenewedByServer: boolean, validFrom = 0) =>
    outcome(
      checkCertificates(async () => [
        { title: 'It', validFrom, expiresAt: Date.now() + daysLeft * DAY_MS, isRenewedByServer },
      ]),
    )
  assert.equal(await certificate(29, true), 'ok: ')
  assert.match(await certificate(27, true), /^warning: .*Restart the server/)
  assert.match(await certificate(29, false), /^warning: .*Renew it/)
  assert.match(await certificate(-1, false), /^problem: .*expired/)
  assert.match(await certificate(90, true, Date.now() + DAY_MS), /^problem: .*not valid before/)
})

test('clocks that are apart are a problem', async () => {
  const clock = (aheadMs: number) => {
    const at = Date.now()
    const database = {
      query: async () => [{ now: at + aheadMs, stored_at: null, ran_at: at - DAY_MS }],
      batch: async () => {},
      close: async () => {},
    }
    return outcome(
      checkClock(
        () => database,
        async () => at,
        () => at,
      ),
    )
  }
  assert.equal(await clock(1000), 'ok: ')
  assert.match(await clock(-60_000), /^problem: .*-60 s ahead/)
})

test('beside a server at work, an operation whose lease ran out is stuck, and one that waits behind others is not', async () => {
  const operations = (...rows: { status: string; due_for_ms: number }[]) => {
    let pages = [rows.map((row, id) => ({ id: `op-${id}`, instance: 'default', kind: 'import', ...row }))]
    const database = {
      async query() {
        const [page = []] = pages
        pages = []
        return page
      },
      batch: async () => {},
      close: async () => {},
    }
    return outcome(checkOperations(() => database, { isServerRunning: true, isRepair: false, howToRepair: 'Repair' }))
  }
  const atWork = { status: 'Running', due_for_ms: -12_000 }
  assert.equal(await operations(atWork, { status: 'NotStarted', due_for_ms: 500_000 }), 'ok: ')
  assert.match(
    await operations(atWork, { status: 'Running', due_for_ms: 90_000 }),
    /^problem: .*op-1 .*not been heard of/,
  )
  assert.match(await operations({ status: 'NotStarted', due_for_ms: 90_000 }), /^problem: .*none is at work/)
})

test('what a scanner says of itself is told: problems as problems, caveats as notes', async () => {
  const scanner = (status: Partial<ScannerStatus>) => {
    const tested = async () => ({
      signatures: 'ClamAV 1',
      provenBytes: 7,
      isTesting: false,
      problems: [],
      caveats: [],
      ...status,
    })
    return outcome(checkScanner({ tested } as unknown as Scanner))
  }
  assert.equal(await scanner({}), 'ok: ')
  assert.equal(await scanner({ caveats: ['Archives are not opened.'] }), 'ok: note Archives are not opened.')
  assert.equal(await scanner({ signatures: undefined, problems: ['It is away.'] }), 'problem: problem It is away.')
})
