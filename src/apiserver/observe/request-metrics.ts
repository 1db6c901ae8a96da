import { Counters, Histogram, Histograms, type HttpResponse, type Labels, type MetricDefinition, type MetricText } from '#base'
import type { ParsedRequest } from '../router/request-info.ts'

const TOTAL: MetricDefinition = {
  name: 'apiserver_request_total',
  help: 'Requests by verb, resource and status code of the answer; watches count when they begin.',
  type: 'counter',
}
const DURATION: MetricDefinition = {
  name: 'apiserver_request_duration_seconds',
  help: 'Time from the first byte of a request to its answer, watches and connections excepted.',
  type: 'histogram',
}
const SLI: MetricDefinition = {
  name: 'apiserver_request_sli_duration_seconds',
  help: 'The same without the time in which the request waited for its turn or for webhooks.',
  type: 'histogram',
}
const SIZES: MetricDefinition = {
  name: 'apiserver_response_sizes',
  help: 'Bytes of answers that were there as a whole, before compression.',
  type: 'histogram',
}
const DEPRECATED: MetricDefinition = {
  name: 'apiserver_requested_deprecated_apis',
  help: 'Versions of kinds that have been asked for and will go.',
  type: 'gauge',
}
const IN_FLIGHT: MetricDefinition = {
  name: 'apiserver_current_inflight_requests',
  help: 'Requests that are being answered now, watches excepted.',
  type: 'gauge',
}

/** The bounds of kube-apiserver, which dashboards are made for. */
const DURATION_BOUNDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const SLI_BOUNDS = DURATION_BOUNDS.slice(2)
const SIZE_BOUNDS = [1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000]

const BODY_BOUNDS = Array.from({ length: 31 }, (_, at) => 50_000 + at * 100_000)

interface Series {
  readonly labels: Labels
  readonly byCode: Map<number, number>
  readonly duration: Histogram | undefined
  readonly sli: Histogram | undefined
  readonly size: Histogram
}

/** More combinations than an honest client can make are counted together. */
const MAX_SERIES = 4000
const MUTATING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

const VALIDATIONS: ReadonlySet<string> = new Set(['', 'Ignore', 'Warn', 'Strict'])
/** As whom the server acts on itself. */
const OWN_NAME = 'system:apiserver'

/** A request as labels tell of it: without dry runs, which have a label of their own. */
const KIND = ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'] as const

/** Counts requests. One look-up in a map and a few additions for each. */
export class RequestMetrics {
  readonly #series = new Map<string, Series>()
  readonly #terminations = new Counters(
    { name: 'apiserver_request_terminations_total', help: 'Requests that the server has turned away to protect itself.' },
    [...KIND, 'code'],
  )
  readonly #bodies = new Histograms(
    { name: 'apiserver_request_body_size_bytes', help: 'Bytes of the bodies of requests for resources.' },
    ['group', 'resource', 'verb'],
    BODY_BOUNDS,
  )
  readonly #own = new Counters({ name: 'apiserver_selfrequest_total', help: 'Requests of the API server itself.' }, [
    'verb',
    'group',
    'resource',
    'subresource',
  ])
  readonly #validation = new Histograms(
    { name: 'field_validation_request_duration_seconds', help: 'Time of requests, by what they want of fields that nobody knows.' },
    ['field_validation'],
    SLI_BOUNDS,
  )
  readonly #plain = this.#validation.of('')
  readonly #deprecated = new Map<string, Labels>()
  readonly #inFlight = { mutating: 0, readOnly: 0 }

  started(method: string): void {
    this.#inFlight[MUTATING.has(method) ? 'mutating' : 'readOnly']++
  }

  /** A body has been read. Of resources that are served. */
  body({ group, resource, verb }: ParsedRequest, sizeBytes: number): void {
    this.#bodies.of(group, resource, verb === 'deletecollection' ? 'delete_collection' : verb).observe(sizeBytes)
  }

  /** A version that is served no longer one day has been asked for. Of resources that are served. */
  deprecated({ group, version, resource, subresource }: ParsedRequest): void {
    const key = `${group}/${version}/${resource}/${subresource}`
    if (!this.#deprecated.has(key)) this.#deprecated.set(key, { group, version, resource, subresource, removed_release: '' })
  }

  /** Turned away before it was worked on. `finished` is called too. */
  terminated(method: string, info: ParsedRequest, known: boolean, code: number): void {
    const { labels } = this.#of(method, info, known)
    this.#terminations.of(...KIND.map((name) => labels[name] ?? ''), String(code)).value++
  }

  /** `outsideMs`: how much of the time others have taken. `userName`: whose request it was, where that is known. */
  finished(
    method: string,
    info: ParsedRequest,
    known: boolean,
    answer: HttpResponse,
    durationMs: number,
    outsideMs = 0,
    userName = '',
  ): void {
    this.#inFlight[MUTATING.has(method) ? 'mutating' : 'readOnly']--
    const series = this.#of(method, info, known)
    series.byCode.set(answer.status, (series.byCode.get(answer.status) ?? 0) + 1)
    series.duration?.observe(durationMs / 1000)
    series.sli?.observe((durationMs - outsideMs) / 1000)
    if (series.duration !== undefined) this.#validated(info).observe(durationMs / 1000)
    if (userName === OWN_NAME)
      this.#own.of(...['verb', 'group', 'resource', 'subresource'].map((name) => series.labels[name] ?? '')).value++
    if (answer.body.kind !== 'bytes') return
    let size = 0
    for (const chunk of answer.body.chunks) size += chunk.length
    series.size.observe(size)
  }

  write(text: MetricText): void {
    const all = [...this.#series.values()]
    text.family(TOTAL)
    for (const { labels, byCode } of all)
      for (const [code, count] of byCode) text.sample(TOTAL.name, { code: String(code), ...labels }, count)
    text.family(DURATION)
    for (const { labels, duration } of all) if (duration !== undefined) text.histogram(DURATION.name, labels, duration)
    this.#withoutDryRuns(text, SLI, all, ({ sli }) => sli)
    this.#withoutDryRuns(text, SIZES, all, ({ size }) => (size.count > 0 ? size : undefined))
    this.#terminations.write(text)
    this.#bodies.write(text)
    this.#own.write(text)
    this.#validation.write(text)
    if (this.#deprecated.size > 0) text.family(DEPRECATED)
    for (const labels of this.#deprecated.values()) text.sample(DEPRECATED.name, labels, 1)
    text.family(IN_FLIGHT)
    for (const [kind, count] of Object.entries(this.#inFlight)) text.sample(IN_FLIGHT.name, { request_kind: kind }, count)
  }

  #validated({ rawQuery }: ParsedRequest): Histogram {
    if (!rawQuery.includes('fieldValidation')) return this.#plain
    const [wish = '', ...more] = new URLSearchParams(rawQuery).getAll('fieldValidation')
    return this.#validation.of(more.length === 0 && VALIDATIONS.has(wish) ? wish : 'invalid')
  }

  /** Series that differ in that label only are one. */
  #withoutDryRuns(
    text: MetricText,
    definition: MetricDefinition,
    all: readonly Series[],
    of: (one: Series) => Histogram | undefined,
  ): void {
    const sums = new Map<string, { readonly labels: Labels; readonly histogram: Histogram }>()
    for (const one of all) {
      const histogram = of(one)
      if (histogram === undefined) continue
      const { dry_run: _dryRun, ...labels } = one.labels
      const key = Object.values(labels).join('\0')
      const known = sums.get(key)
      if (known === undefined) sums.set(key, { labels, histogram: new Histogram(histogram.bounds).add(histogram) })
      else known.histogram.add(histogram)
    }
    text.family(definition)
    for (const { labels, histogram } of sums.values()) text.histogram(definition.name, labels, histogram)
  }

  /** `known` says whether the resource is one that is served: clients cannot make up series. */
  #of(method: string, info: ParsedRequest, known: boolean): Series {
    const scope = info.isResource ? (info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster') : ''
    const isDryRun = info.rawQuery !== '' && info.rawQuery.includes('dryRun=All')
    const what = known ? `${info.group}/${info.version}/${info.resource}/${info.subresource}` : ''
    const key = `${method} ${info.verb} ${scope} ${what}${isDryRun ? ' dry' : ''}`
    const found = this.#series.get(key)
    if (found !== undefined) return found
    if (this.#series.size >= MAX_SERIES) return this.#series.get(OTHERS) ?? this.#add(OTHERS, {})
    return this.#add(key, {
      component: info.isResource ? 'apiserver' : '',
      dry_run: isDryRun ? 'All' : '',
      group: known ? info.group : '',
      resource: known ? info.resource : '',
      scope,
      subresource: known ? info.subresource : '',
      verb: verbOf(method, info),
      version: known ? info.version : '',
    })
  }

  #add(key: string, labels: Labels): Series {
    const isLong = labels['verb'] === 'WATCH' || labels['verb'] === 'CONNECT'
    const series: Series = {
      labels,
      byCode: new Map(),
      duration: isLong ? undefined : new Histogram(DURATION_BOUNDS),
      sli: isLong ? undefined : new Histogram(SLI_BOUNDS),
      size: new Histogram(SIZE_BOUNDS),
    }
    this.#series.set(key, series)
    return series
  }
}
const OTHERS = 'others'

const STREAMS: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy', 'log'])

function verbOf(method: string, info: ParsedRequest): string {
  if (!info.isResource) return method
  if (info.verb === 'watch') return 'WATCH'
  if (STREAMS.has(info.subresource)) return 'CONNECT'
  switch (info.verb) {
    case 'list':
      return 'LIST'
    case 'deletecollection':
      return 'DELETECOLLECTION'
    default:
      return method
  }
}
