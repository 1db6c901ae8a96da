import type { ResourceRef } from '#api'
import { type PlatformKind, type Schema, platformRef } from '../platform/kind.ts'
import { PHASES, type Release, STRATEGIES } from './objects.ts'
import { VERDICTS } from './verdict/judge.ts'

const MOST_STEPS = 32
const WEEK_SECONDS = 604_800

const text = (description: string, maxLength = 253): Schema => ({ type: 'string', maxLength, description })
const whole = (description: string, minimum: number, maximum?: number): Schema => ({
  type: 'integer',
  format: 'int32',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
  description,
})
const seconds = (description: string): Schema => whole(description, 0, WEEK_SECONDS)
const share = (description: string, preset: number): Schema => ({ type: 'number', minimum: 0, maximum: 1, default: preset, description })
const flag = (description: string): Schema => ({ type: 'boolean', description })
const OPEN: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

const STEP: Schema = {
  type: 'object',
  required: ['weight'],
  properties: {
    weight: whole('Of 100 requests so many go to the new version.', 1, 100),
    pauseSeconds: seconds('The step lasts that long at least.'),
    gate: flag('The next step begins when somebody has approved this one.'),
  },
}

const STRATEGY: Schema = {
  type: 'object',
  required: ['type'],
  properties: {
    type: {
      type: 'string',
      enum: [...STRATEGIES],
      description:
        'Standard: all pods go, then the new ones come; requests fail meanwhile, by design. Rolling: as the Deployment says. BlueGreen: as many new pods beside the old ones, all requests in one step. Canary: in steps of your own. Batches: in so many equal steps.',
    },
    canary: {
      type: 'object',
      required: ['steps'],
      properties: { steps: { type: 'array', minItems: 1, maxItems: MOST_STEPS, items: STEP } },
    },
    blueGreen: {
      type: 'object',
      properties: {
        gateBefore: { ...flag('Somebody has to approve before requests go to the new version.'), default: true },
        gateAfter: { ...flag('Somebody has to confirm before the old version goes.'), default: true },
        soakSeconds: seconds('The old version stays that long at least.'),
      },
    },
    batches: {
      type: 'object',
      required: ['count'],
      properties: {
        count: whole('So many steps.', 1, MOST_STEPS),
        pauseSeconds: seconds('Each step lasts that long at least.'),
        gate: flag('Each step has to be approved.'),
      },
    },
  },
  'x-kubernetes-validations': [
    { rule: "self.type != 'Canary' || has(self.canary)", message: 'canary.steps say what a canary does' },
    { rule: "self.type != 'Batches' || has(self.batches)", message: 'batches.count says how many there are' },
    {
      rule: "(self.type == 'Canary' || !has(self.canary)) && (self.type == 'BlueGreen' || !has(self.blueGreen)) && (self.type == 'Batches' || !has(self.batches))",
      message: 'only the part of the strategy that type names may be there',
    },
    {
      rule: '!has(self.canary) || self.canary.steps.map(s, s.weight).isSorted()',
      message: 'weights of a canary do not go down',
    },
  ],
}

const ANALYSIS: Schema = {
  type: 'object',
  description:
    'The new version beside a control: as many fresh pods of the present version, made at the same time, with as large a share of the requests. Without it nothing is judged.',
  properties: {
    minimumRequests: { ...whole('To each of both; nothing is concluded from less.', 10, 1_000_000), default: 100 },
    confidence: {
      type: 'number',
      minimum: 0.5,
      maximum: 0.9999,
      default: 0.99,
      description: 'So seldom is a version called worse that is not, over all looks.',
    },
    errorTolerance: share('So much higher may the share of errors be.', 0.01),
    latencyQuantile: {
      type: 'number',
      minimum: 0.5,
      maximum: 0.999,
      description: 'The time that this share of requests does not pass; times are not compared without it.',
    },
    latencyTolerance: { type: 'number', minimum: 0, maximum: 10, default: 0.2, description: 'So much longer may that time be.' },
    evidenceSeconds: { ...seconds('So long is waited for a verdict in each step.'), default: 600 },
    withoutEvidence: {
      type: 'string',
      enum: ['Wait', 'Promote', 'RollBack'],
      default: 'Wait',
      description: 'What then: wait for more or for somebody, go on, or go back.',
    },
    brokenStable: {
      type: 'string',
      enum: ['Proceed', 'RollBack'],
      default: 'Proceed',
      description: 'When fresh pods of the present version do not get ready. Proceed: it counts as one that answers nothing.',
    },
  },
}

export const releaseKind: PlatformKind = {
  kind: 'Release',
  plural: 'releases',
  shortNames: ['rel'],
  description: 'A new version of one Deployment, how it takes the place of the old one, and what came of it.',
  columns: [
    { name: 'Deployment', type: 'string', jsonPath: '.spec.deployment' },
    { name: 'Strategy', type: 'string', jsonPath: '.spec.strategy.type' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Reason', type: 'string', jsonPath: '.status.reason' },
    { name: 'Weight', type: 'integer', jsonPath: '.status.weight' },
    { name: 'Verdict', type: 'string', jsonPath: '.status.verdict' },
  ],
  spec: {
    type: 'object',
    required: ['deployment', 'strategy'],
    properties: {
      deployment: text('What is released.', 58),
      template: { ...OPEN, description: 'Of the pods of the new version. What it is when an attempt begins holds until its end.' },
      images: {
        type: 'object',
        maxProperties: 64,
        additionalProperties: { type: 'string', maxLength: 512 },
        description: 'By name of the container, instead of a whole template.',
      },
      service: text('Through which requests come, for all strategies but Standard and Rolling.', 55),
      ingress: text('Whose paths lead to the Service; the release shares them while it lasts.'),
      httpRoute: text('In the place of an Ingress: an HTTPRoute of Gateway API whose rules lead to the Service.'),
      sticky: {
        type: 'string',
        pattern: '^(cookie|source|header: [a-z0-9-]{1,64})$',
        description: 'Clients stay with the version that they have, and change once at most. What the Ingress says itself comes first.',
      },
      strategy: STRATEGY,
      analysis: ANALYSIS,
      promotion: {
        type: 'string',
        enum: ['Automatic', 'Manual'],
        default: 'Manual',
        description: 'Whether a good verdict is enough to go on. Steps without an analysis go on by their pauses and gates.',
      },
      rollback: {
        type: 'string',
        enum: ['Automatic', 'Manual'],
        default: 'Automatic',
        description: 'Whether a bad verdict is enough to go back.',
      },
      readySeconds: { ...seconds('So long may pods take to get ready.'), default: 300 },
      author: text('Who releases, for the record.'),
      attempt: { ...whole('Raised after the end of one attempt, it begins another.', 1), default: 1 },
      paused: flag('It stays in its step.'),
      abortAttempt: whole('This attempt goes back.', 1),
      promoteAttempt: whole('This attempt goes on to its end without further steps.', 1),
      approvals: {
        type: 'array',
        maxItems: 256,
        items: {
          type: 'object',
          required: ['attempt', 'step'],
          properties: {
            attempt: whole('Of the release.', 1),
            step: whole('From 0.', 0, MOST_STEPS),
            by: text('Who approves, for the record.'),
          },
        },
      },
    },
    'x-kubernetes-validations': [
      { rule: 'has(self.template) != has(self.images)', message: 'either template or images says what is new' },
      {
        rule: "self.strategy.type in ['Standard', 'Rolling'] ? !has(self.analysis) : has(self.service) && (has(self.ingress) != has(self.httpRoute))",
        message:
          'service, and either ingress or httpRoute, are needed to share requests; a strategy in place has no analysis, since there is nothing to compare',
      },
      { rule: '!has(self.sticky) || !has(self.httpRoute)', message: 'an HTTPRoute has no clients that stay: sticky is for an ingress' },
    ],
  },
  status: {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
      attempt: { type: 'integer', format: 'int32' },
      phase: { type: 'string', enum: [...PHASES] },
      reason: text('In one word.'),
      message: text('In one sentence.', 1024),
      step: { type: 'integer', format: 'int32' },
      weight: whole('Of 100 requests so many go to the new version now.', 0, 100),
      verdict: { type: 'string', enum: [...VERDICTS] },
    },
  },
  rules: [
    { rule: 'self.metadata.name.size() <= 63', message: 'the name has at most 63 characters: it is part of a mark on what is released' },
    { rule: 'self.spec.deployment == oldSelf.spec.deployment', message: 'another Deployment is another Release' },
    { rule: 'self.spec.strategy.type == oldSelf.spec.strategy.type', message: 'another strategy is another Release' },
  ],
}

export const releaseRef: ResourceRef<Release> = platformRef(releaseKind)
