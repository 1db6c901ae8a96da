import type { apiextensions } from '#api'
import { type Schema, conditions, list, listBy, must, object, oneOf, text, whole, withRules } from '../gateway-api/crds/schema.ts'
import { BREAKER_RULES, BREAKER_STATES, LIMITED_BY, PERIODS, TRAFFIC_GROUP, TRAFFIC_PLURAL, TRAFFIC_VERSION } from './policy.ts'

const HOUR_SECONDS = 3600
const MOST_PROBES = 1000
const LONGEST_BODY = 1024

const said = (description: string, schema: Schema): Schema => ({ ...schema, description })
const time = text({ format: 'date-time' })

const RULE = said(
  'What opens it.',
  withRules(
    object(
      {
        type: said(
          'SlowRatio and ErrorRatio: as large a share of the requests of a window. ErrorCount: as many of them. Errors are answers of 5xx, and those that no server has given.',
          oneOf(...BREAKER_RULES),
        ),
        ratio: said('The share that opens it.', { type: 'number', minimum: 0.001, maximum: 1 }),
        count: said('The number that opens it.', whole(1, 1_000_000)),
        slowMilliseconds: said(
          'What takes as long is slow, from the first byte of the request to the last one of the answer.',
          whole(1, 600_000),
        ),
      },
      ['type'],
    ),
    must('SlowRatio has slowMilliseconds, and no other has', "has(self.slowMilliseconds) == (self.type == 'SlowRatio')"),
    must('ErrorCount has count, and no other has', "has(self.count) == (self.type == 'ErrorCount')"),
    must('SlowRatio and ErrorRatio have ratio, and no other has', "has(self.ratio) == (self.type != 'ErrorCount')"),
  ),
)

const FALLBACK = said(
  'What is answered while it is open.',
  object(
    {
      status: { ...whole(200, 599), default: 503 },
      contentType: { ...text({ maxLength: 128, pattern: '^[a-z]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$' }), default: 'text/plain' },
      body: { ...text({ maxLength: LONGEST_BODY }), default: '' },
    },
    [],
    { default: {} },
  ),
)

const BREAKER = said(
  'Closed, it counts. Open, all requests get the fallback. Half-open, so many probes are let through: when all were good it is closed, after one that was not it is open again.',
  object(
    {
      rules: said('Each type once; the first that holds opens it.', listBy('type', RULE, BREAKER_RULES.length, { minItems: 1 })),
      windowSeconds: { ...said('How far back it counts, in steps of a tenth.', whole(1, HOUR_SECONDS)), default: 10 },
      minimumRequests: { ...said('With fewer requests in the window it stays closed.', whole(1, 1_000_000)), default: 20 },
      openSeconds: { ...said('How long it is open before it lets probes through.', whole(1, HOUR_SECONDS)), default: 30 },
      probes: { ...said('How many have to be good.', whole(1, MOST_PROBES)), default: 3 },
      force: said(
        'It stays open or closed, whatever is counted. When this is taken away an open one begins with probes.',
        oneOf('Open', 'Closed'),
      ),
      fallback: FALLBACK,
    },
    ['rules'],
  ),
)

const OUTLIERS = said(
  'An endpoint with so many errors one after the other gets no requests for a while.',
  object({
    consecutiveErrors: { ...whole(1, 10_000), default: 5 },
    ejectSeconds: { ...said('The first time; then twice as long, and so on, up to ten times.', whole(1, HOUR_SECONDS)), default: 30 },
    maximumEjectedPercent: { ...said('Of all endpoints; never all of them.', whole(1, 100)), default: 50 },
  }),
)

const CONCURRENCY = said(
  'How many requests one endpoint has at a time.',
  object(
    {
      perEndpoint: whole(1, 100_000),
      queueMilliseconds: { ...said('So long others wait for their turn; then they get 503.', whole(1, 60_000)), default: 1000 },
    },
    ['perEndpoint'],
  ),
)

const RATE_LIMIT = withRules(
  object(
    {
      requests: whole(1, 1_000_000_000),
      per: oneOf(...PERIODS),
      by: { ...said('Who is limited: all together, each address, or each value of a header.', oneOf(...LIMITED_BY)), default: 'Service' },
      header: text({ maxLength: 64, pattern: '^[a-z0-9-]{1,64}$' }),
    },
    ['requests', 'per'],
  ),
  must('by Header needs the name of one, and nothing else does', "has(self.header) == (self.by == 'Header')"),
)

const SPEC = withRules(
  object(
    {
      service: said('Requests for it, whatever route they come by.', text({ minLength: 1, maxLength: 63 })),
      paths: said(
        'Only requests whose path begins with one of these, element by element. The longest one decides, before a policy without paths.',
        list(text({ maxLength: 128, pattern: '^/([A-Za-z0-9._~%:@!&+,=/-]*[A-Za-z0-9._~%:@!&+,=-])?$' }), 4, { minItems: 1 }),
      ),
      breaker: BREAKER,
      outliers: OUTLIERS,
      concurrency: CONCURRENCY,
      warmUpSeconds: said('An endpoint that is new gets its whole share only after that time.', whole(1, HOUR_SECONDS)),
      rateLimits: said('What is beyond one of them gets 429.', list(RATE_LIMIT, 2, { minItems: 1 })),
    },
    ['service'],
  ),
  must(
    'outliers, concurrency and warmUpSeconds are of a whole Service: say them in a policy without paths',
    '!has(self.paths) || !(has(self.outliers) || has(self.concurrency) || has(self.warmUpSeconds))',
  ),
  must(
    'it says nothing: give breaker, outliers, concurrency, warmUpSeconds or rateLimits',
    'has(self.breaker) || has(self.outliers) || has(self.concurrency) || has(self.warmUpSeconds) || has(self.rateLimits)',
  ),
  must('another Service is another policy', 'self.service == oldSelf.service'),
)

const STATUS = object({
  observedGeneration: { type: 'integer', format: 'int64' },
  conditions: conditions(),
  breaker: object(
    {
      state: oneOf(...BREAKER_STATES),
      since: time,
      until: time,
      times: whole(0),
      trip: object({
        rule: oneOf(...BREAKER_RULES),
        requests: { type: 'integer', format: 'int64' },
        bad: { type: 'integer', format: 'int64' },
      }),
      message: text({ maxLength: LONGEST_BODY }),
      release: object({ name: text({ maxLength: 253 }), phase: text({ maxLength: 63 }) }),
    },
    ['state', 'since', 'message'],
  ),
  ejected: list(object({ address: text({ maxLength: 64 }), until: time, times: whole(1) }, ['address', 'until']), 64),
})

const column = (name: string, jsonPath: string) => ({ name, type: 'string', jsonPath })

export const trafficDefinition: apiextensions.CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${TRAFFIC_PLURAL}.${TRAFFIC_GROUP}` },
  spec: {
    group: TRAFFIC_GROUP,
    scope: 'Namespaced',
    names: {
      kind: 'TrafficPolicy',
      listKind: 'TrafficPolicyList',
      plural: TRAFFIC_PLURAL,
      singular: 'trafficpolicy',
      shortNames: ['tp'],
      categories: ['sampan'],
    },
    versions: [
      {
        name: TRAFFIC_VERSION,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          column('Service', '.spec.service'),
          column('Breaker', '.status.breaker.state'),
          column('Release', '.status.breaker.release.name'),
          column('Accepted', ".status.conditions[?(@.type=='Accepted')].status"),
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            ...object({ apiVersion: text(), kind: text(), metadata: { type: 'object' }, spec: SPEC, status: STATUS }, ['spec']),
            description:
              'What the gateway grants to requests for one Service: when they are answered in its place, and how many come through.',
          },
        },
      },
    ],
  },
}
