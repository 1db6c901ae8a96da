import type { core } from '#api'
import { type Dict, childDict } from '#compose'
import { type Findings, given, pairsOf } from '../reader.ts'
import { aliyunVerdict } from '../verdicts.ts'
import { type AutoScaling, autoScalingOf } from './auto-scaling.ts'
import { MOST_WEIGHT, type Route, WEIGHT, parseRoutes } from './routes.ts'

/** What the labels of the old container service say of one service. */
export interface AliyunLabels {
  readonly scale?: number
  readonly isGlobal: boolean
  readonly depends: readonly string[]
  readonly isLatest: boolean
  readonly gpus?: number
  readonly probe?: core.Probe
  readonly initialDelaySeconds?: number
  /** Containers replaced at once in a rolling update; absent: not asked for. */
  readonly parallelism?: number
  readonly routes: readonly Route[]
  /** Its part of the requests for addresses that others have too. */
  readonly weight?: number
  readonly autoScaling?: AutoScaling
  /** Clients stay with the container that answered them first. */
  readonly isSticky: boolean
  /** Front ports of a load balancer, by container port. */
  readonly front: readonly FrontPort[]
}

export interface FrontPort {
  readonly label: string
  readonly containerPort: number
  readonly frontPort: number
  readonly protocol: 'TCP' | 'UDP'
  readonly balancer: string
}

const PROBE_PERIOD_SECONDS = 2
/** Absent: `true`. */
const STICKY = 'aliyun.routing.session_sticky'

/** Reads the labels of a service by the label contract; what is wrong, refused or unknown is told with its label. */
export function aliyunLabels(name: string, service: Dict, findings: Findings): AliyunLabels {
  const labels = new Map(pairsOf(childDict(service, 'labels')).filter(([key]) => key.startsWith('aliyun.')))
  const refuse = (label: string, text: string): undefined => findings.refuse(['services', name, 'labels', label], text) as undefined
  for (const label of labels.keys()) {
    const verdict = aliyunVerdict(label)
    if (verdict === undefined) refuse(label, 'this label is not known')
    else if ('refused' in verdict) refuse(label, verdict.refused)
  }
  const numberAt = (label: string, least: number, most = Infinity): number | undefined => {
    const text = labels.get(label)
    if (text === undefined) return undefined
    const isFit = /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most
    return isFit ? Number(text) : refuse(label, `${text}: a whole number from ${least} ${most === Infinity ? 'on' : `to ${most}`}`)
  }
  const truthAt = (label: string): boolean => {
    const text = labels.get(label)
    if (text !== undefined && !/^(true|false)$/i.test(text)) refuse(label, `${text}: true or false`)
    return text?.toLowerCase() === 'true'
  }
  const parallelism = truthAt('aliyun.rolling_updates') ? validOr(labels.get('aliyun.rolling_updates.parallelism'), 1) : undefined
  const isGlobal = truthAt('aliyun.global')
  if (isGlobal && labels.has('aliyun.scale'))
    findings.note(['services', name, 'labels', 'aliyun.scale'], 'has no meaning beside aliyun.global: there is one container on each node')
  const routes = [...labels].flatMap(([label, value]) => {
    const port = portOf(label, 'aliyun.routing.port_', refuse)
    return port === undefined ? [] : parseRoutes(label, port, value, refuse)
  })
  const hasRouting = [...labels.keys()].some((label) => label.startsWith('aliyun.routing.port_'))
  for (const label of [STICKY, WEIGHT])
    if (labels.has(label) && !hasRouting) refuse(label, 'is for addresses of the same service: give it aliyun.routing.port_PORT')
  const autoScaling = autoScalingOf(labels, refuse)
  if (isGlobal && autoScaling !== undefined) refuse('aliyun.global', 'there is one container on each node: leave aliyun.auto_scaling out')
  if (autoScaling !== undefined && labels.has('aliyun.scale'))
    findings.note(['services', name, 'labels', 'aliyun.scale'], 'has no meaning beside aliyun.auto_scaling, which says how many there are')
  const isSticky = labels.has(STICKY) ? truthAt(STICKY) : true
  return {
    ...given('scale', numberAt('aliyun.scale', 0)),
    isGlobal,
    depends: (labels.get('aliyun.depends') ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
    isLatest: truthAt('aliyun.latest_image'),
    ...given('gpus', numberAt('aliyun.gpu', 1)),
    ...given('probe', probeOf(labels, numberAt, refuse)),
    ...given('parallelism', parallelism),
    routes,
    ...given('weight', numberAt(WEIGHT, 0, MOST_WEIGHT)),
    ...given('autoScaling', autoScaling),
    isSticky,
    front: [...labels].flatMap(([label, value]) => {
      const port = portOf(label, 'aliyun.lb.port_', refuse)
      return port === undefined ? [] : frontPorts(label, port, value, refuse)
    }),
  }
}

type Refuse = (label: string, text: string) => undefined

/** What is not a number from one on counts as one: so the contract says. */
const validOr = (text: string | undefined, otherwise: number): number =>
  text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : otherwise

function portOf(label: string, prefix: string, refuse: Refuse): number | undefined {
  if (!label.startsWith(prefix)) return undefined
  const port = Number(label.slice(prefix.length))
  return Number.isInteger(port) && port >= 1 && port <= 65_535
    ? port
    : refuse(label, 'the label ends with a container port from 1 to 65535')
}

function probeOf(
  labels: ReadonlyMap<string, string>,
  numberAt: (label: string, least: number) => number | undefined,
  refuse: Refuse,
): core.Probe | undefined {
  const [url, command] = [labels.get('aliyun.probe.url'), labels.get('aliyun.probe.cmd')]
  if (url !== undefined && command !== undefined) return refuse('aliyun.probe.url', 'give either aliyun.probe.url or aliyun.probe.cmd')
  const handler =
    url !== undefined ? urlProbe(url, refuse) : command === undefined ? undefined : { exec: { command: ['/bin/sh', '-c', command] } }
  if (handler === undefined) return undefined
  return {
    ...handler,
    periodSeconds: PROBE_PERIOD_SECONDS,
    failureThreshold: 2,
    timeoutSeconds: numberAt('aliyun.probe.timeout_seconds', 1) ?? 1,
    ...given('initialDelaySeconds', numberAt('aliyun.probe.initial_delay_seconds', 0)),
  }
}

/** `http://container:8080/ping`, `tcp://container:3306`: the word `container` stands for its address. */
function urlProbe(text: string, refuse: Refuse): Pick<core.Probe, 'httpGet' | 'tcpSocket'> | undefined {
  const match = /^(http|https|tcp):\/\/([^:/]+)(?::(\d+))?(\/.*)?$/.exec(text)
  if (match === null) return refuse('aliyun.probe.url', `${text}: http://container:PORT/PATH or tcp://container:PORT`)
  const [, scheme = '', host, portText = '80', path] = match
  if (host !== 'container') return refuse('aliyun.probe.url', `${text}: the host is the word container`)
  const port = Number(portText)
  if (port < 1 || port > 65_535) return refuse('aliyun.probe.url', `${text}: not a port`)
  if (scheme === 'tcp') return path === undefined ? { tcpSocket: { port } } : refuse('aliyun.probe.url', `${text}: tcp has no path`)
  return { httpGet: { port, path: path ?? '/', ...(scheme === 'https' ? { scheme: 'HTTPS' } : {}) } }
}

/** `tcp://BALANCER:PORT`, several with semicolons. */
function frontPorts(label: string, containerPort: number, value: string, refuse: Refuse): FrontPort[] {
  return value.split(';').flatMap((text) => {
    const match = /^(tcp|udp|http|https):\/\/([a-zA-Z0-9\-_/.]{1,79}):(\d+)$/.exec(text.trim())
    const frontPort = Number(match?.[3])
    if (match === null || frontPort < 1 || frontPort > 65_535) {
      refuse(label, `${text}: SCHEME://BALANCER:PORT with tcp, udp, http or https`)
      return []
    }
    return [
      { label, containerPort, frontPort, protocol: match[1] === 'udp' ? ('UDP' as const) : ('TCP' as const), balancer: match[2] ?? '' },
    ]
  })
}
