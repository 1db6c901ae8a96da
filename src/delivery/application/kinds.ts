import { CONDITIONS, type PlatformKind, type Schema } from '../platform/kind.ts'

/** Names of parts are made of it, and it is the value of a label. */
const LONGEST_NAME = 52
/** Of an application; more is several applications. */
export const MOST_PARTS = 500
/** A revision is one object, and so is a Secret: this much of each, in bytes of UTF-8. */
export const LARGEST_MANIFESTS = 1_000_000

export const MODES = ['Running', 'Suspended', 'Stopped'] as const

const count = (description: string): Schema => ({ type: 'integer', format: 'int32', minimum: 0, description })

const PODS: Schema = {
  type: 'object',
  description: 'Pods, summed over the parts.',
  required: ['wanted', 'updated', 'ready', 'available'],
  properties: {
    wanted: count('As many are asked for.'),
    updated: count('As many are made from the present templates.'),
    ready: count('As many are ready.'),
    available: count('As many have been ready for long enough.'),
  },
}

const PART: Schema = {
  type: 'object',
  required: ['apiVersion', 'kind', 'name', 'state'],
  properties: {
    apiVersion: { type: 'string', maxLength: 316 },
    kind: { type: 'string', maxLength: 63 },
    name: { type: 'string', maxLength: 253 },
    state: { type: 'string', enum: ['Ready', 'Progressing', 'Waiting', 'Missing', 'Failed'] },
    message: { type: 'string', maxLength: 1024 },
    holdsData: { type: 'boolean', description: 'It stays when the application is rolled back or deleted.' },
    pods: PODS,
  },
}

export const applicationKind: PlatformKind = {
  kind: 'Application',
  plural: 'applications',
  shortNames: ['app', 'apps'],
  description: 'What was deployed together, through whichever door: its parts, its history, and whether it runs.',
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Revision', type: 'integer', jsonPath: '.status.revision' },
    { name: 'Pods', type: 'string', jsonPath: '.status.summary' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  ],
  spec: {
    type: 'object',
    required: ['revision'],
    properties: {
      revision: { type: 'integer', format: 'int64', minimum: 1, description: 'The ApplicationRevision that is wanted.' },
      mode: {
        type: 'string',
        enum: [...MODES],
        default: 'Running',
        description:
          'Suspended: no pods; names and routes stay, so that requests are answered with 503. Stopped: no routes from outside either. Volumes stay in both.',
      },
      revisionHistoryLimit: {
        type: 'integer',
        format: 'int32',
        minimum: 1,
        maximum: 100,
        default: 10,
        description: 'As many revisions are kept beside the present one.',
      },
    },
  },
  status: {
    type: 'object',
    properties: {
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
      revision: {
        type: 'integer',
        format: 'int64',
        minimum: 1,
        description: 'The revision that the parts were last brought to, in whole.',
      },
      mode: { type: 'string', enum: [...MODES], description: 'The mode that the parts were last brought to, in whole.' },
      summary: { type: 'string', maxLength: 64, description: 'Pods that are ready, of those that are wanted.' },
      pods: PODS,
      parts: {
        type: 'array',
        maxItems: 2 * MOST_PARTS,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['apiVersion', 'kind', 'name'],
        items: PART,
      },
      conditions: CONDITIONS,
    },
  },
  rules: [
    {
      rule: `self.metadata.name.size() <= ${LONGEST_NAME} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,
      message: `an application's name has lower case letters, digits and dashes, at most ${LONGEST_NAME}: it is a label of its parts`,
    },
  ],
}

export const applicationRevisionKind: PlatformKind = {
  kind: 'ApplicationRevision',
  plural: 'applicationrevisions',
  shortNames: ['apprev'],
  description:
    'What an application was to be from one moment on: all its manifests. The contents of its Secrets are in a Secret of the same name.',
  columns: [
    { name: 'Application', type: 'string', jsonPath: '.spec.application' },
    { name: 'Revision', type: 'integer', jsonPath: '.spec.revision' },
    { name: 'Door', type: 'string', jsonPath: '.spec.door' },
    { name: 'Author', type: 'string', jsonPath: '.spec.author' },
    { name: 'Cause', type: 'string', jsonPath: '.spec.cause' },
    { name: 'Applied', type: 'date', jsonPath: '.status.appliedTime' },
  ],
  selectableFields: ['.spec.application'],
  spec: {
    type: 'object',
    required: ['application', 'revision', 'author', 'door', 'cause', 'manifests', 'digest', 'sealed'],
    properties: {
      application: { type: 'string', minLength: 1, maxLength: LONGEST_NAME },
      revision: { type: 'integer', format: 'int64', minimum: 1 },
      author: { type: 'string', maxLength: 253, description: 'The user, as the API server knew them.' },
      door: { type: 'string', pattern: '^[A-Z][A-Za-z]{1,31}$', description: 'The way by which it came: Compose, Manifests, Rollback.' },
      cause: { type: 'string', maxLength: 1024 },
      rollbackOf: { type: 'integer', format: 'int64', minimum: 1, description: 'The revision that this one repeats.' },
      manifests: { type: 'string', maxLength: LARGEST_MANIFESTS, description: 'YAML documents, Secrets without their contents.' },
      sealed: {
        type: 'integer',
        format: 'int32',
        minimum: 0,
        description: 'As many Secrets have their contents in the Secret of this name.',
      },
      digest: {
        type: 'string',
        pattern: '^sha256:[0-9a-f]{64}$',
        description: 'Of the manifests with all contents: equal for revisions that say the same.',
      },
    },
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'a revision does not change: make another one' }],
  },
  status: {
    type: 'object',
    properties: {
      appliedTime: { type: 'string', format: 'date-time', description: 'When the parts were first brought to it, in whole.' },
      refusal: { type: 'string', maxLength: 4096, description: 'Why the API server did not take it. Nothing of it was applied then.' },
    },
  },
  rules: [
    {
      rule: "self.metadata.name.startsWith(self.spec.application + '-') && self.metadata.name.substring(self.spec.application.size() + 1).matches('^[1-9][0-9]{0,15}$') && int(self.metadata.name.substring(self.spec.application.size() + 1)) == self.spec.revision",
      message: 'a revision is called by its application and its number',
    },
  ],
}
