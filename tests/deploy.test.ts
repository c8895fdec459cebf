// What stands in deploy/ and docs/deploying.md, against the program: what was never started where it was written should at least say nothing
// that the program does not know.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isMap, isScalar, parseAllDocuments, visit } from 'yaml'
import { openPrometheus } from '../src/adapters/prometheus/open-prometheus.ts'
import { BACKUP_SETTINGS, KNOWN_SETTINGS } from '../src/config/command-settings.ts'
import { environmentName, readSettings } from '../src/config/read-settings.ts'
import { checkTogether, SERVE_SETTINGS } from '../src/config/serve-settings.ts'
import { SUPERVISED_PATHS } from '../src/http/monitoring/metrics.ts'
import { VERSION } from '../src/version.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const FILES = globSync('deploy/**/*.*', { cwd: ROOT })
  .concat('deploy/Dockerfile', 'docs/deploying.md')
  .filter((path) => !path.endsWith('/.env') && !path.endsWith('/secrets.env'))
const YAML = FILES.filter((path) => path.endsWith('.yaml'))
const documentsOf = (path: string) => parseAllDocuments(read(path), { merge: true })
/** The first one, which is the only one of most files. */
const documentOf = (path: string): unknown => documentsOf(path)[0]?.toJS()

type Environment = Record<string, string>

interface Service {
  image: string
  environment?: Environment
  read_only?: boolean
  cap_drop?: string[]
  stop_grace_period?: string
}

interface Probe {
  httpGet: { path: string; port: string }
}

interface Container {
  image: string
  env: { name: string; value: string }[]
  ports: { name: string; containerPort: number }[]
  startupProbe: Probe
  livenessProbe: Probe
  readinessProbe: Probe
  lifecycle?: { preStop: { sleep: { seconds: number } } }
  securityContext: unknown
}

interface Pod {
  enableServiceLinks: boolean
  terminationGracePeriodSeconds: number
  securityContext: { runAsNonRoot: boolean; runAsUser: number }
  containers: [Container]
}

interface Alert {
  alert: string
  labels: { severity: string }
  annotations: { summary?: string; description?: string }
}

interface AlertTest {
  alertname: string
  exp_alerts?: unknown[]
}

/** Names of variables whose values nobody should see; keys of certificates are files. */
const SECRET = /PASSWORD|SECRET|TOKEN|(?<!TLS_)KEY|ACCOUNTS/
const SERVICES = (documentOf('deploy/compose.yaml') as { services: Record<string, Service> }).services
const NODES = Object.entries(SERVICES).filter(([name]) => name.startsWith('node-'))
const PODS = ['api', 'worker'].map((name) => {
  const deployment = documentOf(`deploy/kubernetes/${name}.yaml`) as { spec: { template: { spec: Pod } } }
  return { name, pod: deployment.spec.template.spec }
})
const UNIT = read('deploy/systemd/aduana.service')
const IMAGE = Object.fromEntries(
  [...read('deploy/Dockerfile').matchAll(/\b(ADUANA_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
) as Environment

/** What each node is started with, by where. */
const ENVIRONMENTS: Record<string, Environment> = {
  image: IMAGE,
  systemd: Object.fromEntries(
    [...UNIT.matchAll(/^Environment=(.*)/gm)]
      .flatMap(([, all = '']) => all.split(' '))
      .map((one) => one.split(/=(.*)/).slice(0, 2)),
  ),
  ...Object.fromEntries(NODES.map(([name, { environment }]) => [name, { ...IMAGE, ...environment }])),
  ...Object.fromEntries(
    PODS.map(({ name, pod }) => [
      name,
      {
        ...IMAGE,
        ...linesOf('deploy/kubernetes/aduana.env'),
        ...Object.fromEntries(pod.containers[0].env.map(({ name, value }) => [name, value])),
      },
    ]),
  ),
}

function linesOf(path: string): Environment {
  const lines = read(path).split('\n')
  return Object.fromEntries(lines.filter((line) => /^\w/.test(line)).map((line) => line.split(/=(.*)/).slice(0, 2)))
}

const settingsOf = (environment: Environment) =>
  readSettings(SERVE_SETTINGS, { flags: {}, environment, known: KNOWN_SETTINGS })

test('every YAML file is one, with no member twice', () => {
  assert.ok(YAML.length >= 7)
  for (const path of YAML) {
    for (const { errors, warnings } of documentsOf(path)) assert.deepEqual([...errors, ...warnings], [], path)
  }
})

for (const [where, environment] of Object.entries(ENVIRONMENTS)) {
  test(`the server takes the settings of ${where}`, () => {
    const config = settingsOf(environment)
    checkTogether(config)
    assert.ok(config.metrics, 'probes need --metrics')
  })
}

test('every variable and flag that is named is one of the program', () => {
  const variables = new Set([...KNOWN_SETTINGS, 'config'].map(environmentName))
  const flags = new Set([...KNOWN_SETTINGS, ...Object.keys(BACKUP_SETTINGS), 'config'])
  let found = 0
  for (const path of FILES) {
    const text = read(path)
    // A comment tells of a variable that Kubernetes would set.
    const wrong = (text.match(/\bADUANA_[A-Z_]+/g) ?? []).filter(
      (name) => !variables.has(name) && !(name === 'ADUANA_PORT' && path === 'deploy/kubernetes/api.yaml'),
    )
    assert.deepEqual(wrong, [], path)
    const calls = text.match(/`--[^`]+|\baduana (serve|token|link|doctor|rescan|backup|restore)\b[^`"\n]*/g) ?? []
    const named = [
      ...calls.flatMap((call) => call.match(/(?<![\w-])--[a-z-]+/g) ?? []),
      ...(path.endsWith('alerts.yaml') ? (text.match(/--[a-z-]+/g) ?? []) : []),
    ]
    found += named.length
    assert.deepEqual(
      named.filter((flag) => !flags.has(flag.slice(2))),
      [],
      path,
    )
  }
  assert.ok(found >= 4, String(found))
})

test('every metric of the dashboard and of the alerts is one of the server', async () => {
  const { page } = openPrometheus({ version: VERSION })
  const text = await page({
    operations: async () => [],
    connections: async () => new Map(),
    distribution: async () => [],
    events: async () => ({ count: 0, oldestAgeMs: 0 }),
    webhooks: async () => ({ waiting: 0, failed: 0 }),
  }).text()
  const names = new Set<string>()
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\w+) (\w+)/gm)) {
    for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) names.add(name + suffix)
  }
  for (const path of [
    'deploy/grafana/aduana.json',
    'deploy/prometheus/alerts.yaml',
    'deploy/prometheus/alerts.test.yaml',
  ]) {
    const named = read(path).match(/\b(aduana|nodejs|process)_[a-z0-9_]+/g) ?? []
    assert.ok(named.length > 10, path)
    assert.deepEqual(
      named.filter((name) => !names.has(name)),
      [],
      path,
    )
  }
})

test('every alert has a test in which it fires, and says what it means', () => {
  const { groups } = documentOf('deploy/prometheus/alerts.yaml') as { groups: { rules: Alert[] }[] }
  const { tests } = documentOf('deploy/prometheus/alerts.test.yaml') as { tests: { alert_rule_test: AlertTest[] }[] }
  const rules = groups.flatMap((group) => group.rules)
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels.severity, /^(critical|warning)$/, alert)
    for (const text of [annotations.summary, annotations.description]) assert.match(text ?? '', /\.$/, alert)
  }
  const fired = tests
    .flatMap((one) => one.alert_rule_test)
    .filter(({ exp_alerts: expected = [] }) => expected.length > 0)
  assert.deepEqual([...new Set(fired.map(({ alertname }) => alertname))].sort(), rules.map(({ alert }) => alert).sort())
})

test('panels of the dashboard do not lie over each other, and each asks something', () => {
  const { panels } = JSON.parse(read('deploy/grafana/aduana.json')) as {
    panels: { id: number; title: string; type: string; gridPos: Box; targets?: { expr: string }[] }[]
  }
  type Box = { x: number; y: number; w: number; h: number }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const { title, type, gridPos: a, targets = [] } of panels) {
    assert.equal(targets.length > 0, type !== 'row', title)
    assert.ok(a.x + a.w <= 24, title)
    const over = panels.filter(
      ({ gridPos: b }) => a !== b && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
    )
    assert.deepEqual(over, [], title)
  }
})

describe('a pod', () => {
  for (const { name, pod } of PODS) {
    const [container] = pod.containers
    test(`of ${name} is asked at the listener of --metrics, for what that answers`, () => {
      const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]))
      assert.equal(ports.get('metrics'), settingsOf(ENVIRONMENTS[name] ?? {}).metrics?.port)
      for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
        assert.ok(SUPERVISED_PATHS.has(httpGet.path), httpGet.path)
        assert.equal(httpGet.port, 'metrics')
      }
      assert.equal(container.readinessProbe.httpGet.path, '/readyz')
      assert.equal(container.livenessProbe.httpGet.path, '/healthz')
    })

    test(`of ${name} does its part, and gets no variables that the program refuses`, () => {
      assert.deepEqual(settingsOf(ENVIRONMENTS[name] ?? {}).run, { isApi: name === 'api', isWorker: name === 'worker' })
      assert.equal(pod.enableServiceLinks, false)
    })

    test(`of ${name} has longer to stop than the server takes`, () => {
      const graceMs = settingsOf(ENVIRONMENTS[name] ?? {}).grace
      const waits = container.lifecycle?.preStop.sleep.seconds ?? 0
      assert.ok(pod.terminationGracePeriodSeconds * 1000 >= waits * 1000 + graceMs + 10_000)
    })

    test(`of ${name} is nobody's root, and writes to its volumes only`, () => {
      const user = Number(/^USER (\d+):\d+$/m.exec(read('deploy/Dockerfile'))?.[1])
      assert.ok(user > 0)
      assert.deepEqual([pod.securityContext.runAsNonRoot, pod.securityContext.runAsUser], [true, user])
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    })
  }
})

test('nodes of Compose and the unit have longer to stop than the server takes', () => {
  const seconds = (text = '') => Number(/^(\d+)s?$/.exec(text)?.[1])
  for (const [name, { stop_grace_period: period, read_only: isReadOnly, cap_drop: dropped }] of NODES) {
    assert.ok(seconds(period) * 1000 >= settingsOf(ENVIRONMENTS[name] ?? {}).grace + 10_000, name)
    assert.deepEqual([isReadOnly, dropped], [true, ['ALL']], name)
  }
  assert.equal(NODES.length, 2)
  const timeout = /^TimeoutStopSec=(\d+)$/m.exec(UNIT)?.[1]
  assert.ok(seconds(timeout) * 1000 >= settingsOf(ENVIRONMENTS.systemd ?? {}).grace + 10_000)
})

test('every image has a version, and ours is that of the program', () => {
  const kustomization = documentOf('deploy/kubernetes/kustomization.yaml') as {
    images: { newName: string; newTag: string }[]
  }
  const images = [
    ...Object.values(SERVICES).map(({ image }) => image),
    ...[...read('deploy/Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image),
    ...kustomization.images.map(({ newName, newTag }) => `${newName}:${newTag}`),
  ]
  assert.equal(images.length, 8)
  for (const image of images) {
    const [, name = '', version] = /^(\S+?):(\d+\.\d+(?:\.\d+)?)(?:-[\w-]+)?$/.exec(image) ?? []
    assert.ok(version, image)
    if (name.endsWith('aduana')) assert.equal(version, VERSION, image)
  }
  for (const [, version] of [
    ...FILES.map(read)
      .join('\n')
      .matchAll(/\baduana[:-](\d+\.\d+\.\d+)/g),
  ]) {
    assert.equal(version, VERSION)
  }
})

test('no file has a secret, and none has a default', () => {
  const secrets = Object.entries(linesOf('deploy/kubernetes/secrets.env.example'))
  assert.ok(secrets.length > 0)
  for (const [name, value] of secrets) assert.equal(value, '', name)
  let found = 0
  for (const path of YAML) {
    for (const document of documentsOf(path)) {
      visit(document, {
        Pair(_key, { key, value }) {
          if (!isScalar(key) || !SECRET.test(String(key.value)) || isMap(value)) return
          found++
          assert.match(
            String(isScalar(value) ? value.value : value),
            /^(aduana:)?\$\{[A-Z_]+:\?[^}]+\}$/,
            `${path}: ${key}`,
          )
        },
      })
    }
  }
  assert.equal(found, 4)
  for (const [where, environment] of Object.entries(ENVIRONMENTS)) {
    const url = environment.ADUANA_DATABASE
    if (url !== undefined) assert.equal(new URL(url).password, '', where)
  }
})
