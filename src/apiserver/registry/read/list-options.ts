import { type FieldErrors, Path, fieldError, statusError } from '#api'
import { isTrue } from '../../router/request-info.ts'
import { plainError } from '../write/object-rules.ts'
import { readInteger, refuseOptions, revisionProblem } from '../options.ts'
import type { Selection } from '../../watchcache/lists/selection.ts'
import type { View } from '../view.ts'
import { readSelectors, selectionOf } from './select.ts'

export interface ListOptions {
  readonly resourceVersion: string
  readonly match: '' | 'Exact' | 'NotOlderThan'
  readonly limit: number
  readonly continue: string
  readonly timeoutSeconds: number | undefined
  readonly bookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
}

const MATCH = Path.of('resourceVersionMatch')

/** What a list, a watch or a deletion of a collection is asked for: read as text, checked as a whole, then against the kind, then by the store. */
export function listRequest(
  view: View,
  namespace: string,
  query: URLSearchParams,
  watches: boolean,
): { readonly options: ListOptions; readonly selection: Selection } {
  // What only the path says to be a watch has the options of a list.
  const asksToWatch = isTrue(query.get('watch') ?? 'false')
  const sent = readOptions(query)
  const options = asksToWatch ? withInitialEvents(sent) : sent
  const selectors = readSelectors(query)
  refuseOptions('ListOptions', asksToWatch ? watchErrors(options, options.match) : listErrors(options, options.match))
  const selection = selectionOf(view, namespace, selectors)
  if (watches || options.continue === '') checkRevision(options.resourceVersion, watches)
  return { options: options as ListOptions, selection }
}

type Unchecked = Omit<ListOptions, 'match'> & { readonly match: string }

/** A watch that begins with what is there says where that ends. */
function withInitialEvents(options: Unchecked): Unchecked {
  const { resourceVersion, match, sendInitialEvents } = options
  const begins = resourceVersion === '' || resourceVersion === '0'
  return sendInitialEvents === undefined && match === '' && begins
    ? { ...options, sendInitialEvents: true, match: 'NotOlderThan' }
    : options
}

function readOptions(query: URLSearchParams): Unchecked {
  const match = query.get('resourceVersionMatch') ?? ''
  const initial = query.get('sendInitialEvents')
  // In this order: the first that is no number is told.
  const timeoutSeconds = readInteger(query.get('timeoutSeconds'))
  const limit = Math.max(0, readInteger(query.get('limit')) ?? 0)
  return {
    resourceVersion: query.get('resourceVersion') ?? '',
    match,
    limit,
    continue: query.get('continue') ?? '',
    timeoutSeconds,
    bookmarks: isTrue(query.get('allowWatchBookmarks') ?? 'false'),
    sendInitialEvents: initial === null ? undefined : isTrue(initial),
  }
}

function listErrors(options: Omit<ListOptions, 'match'>, match: string): FieldErrors {
  const errors: FieldErrors = []
  if (match !== '') checkListMatch(options, match, errors)
  if (options.sendInitialEvents !== undefined)
    errors.push(fieldError.forbidden(Path.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'))
  return errors
}

function checkListMatch(options: Omit<ListOptions, 'match'>, match: string, errors: FieldErrors): void {
  if (options.resourceVersion === '') {
    errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
  }
  if (options.continue !== '') errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'))
  if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(fieldError.notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']))
  if (match === 'Exact' && options.resourceVersion === '0') {
    errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
}

function watchErrors(options: Omit<ListOptions, 'match'>, match: string): FieldErrors {
  const errors: FieldErrors = []
  if (options.sendInitialEvents === undefined) {
    if (match !== '')
      errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
  } else if (match !== 'NotOlderThan')
    errors.push(fieldError.forbidden(MATCH, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match !== '' && match !== 'NotOlderThan') errors.push(fieldError.notSupported(MATCH, match, ['NotOlderThan']))
  if (match !== '' && options.continue !== '')
    errors.push(fieldError.forbidden(MATCH, 'resourceVersionMatch is forbidden when continue is provided'))
  return errors
}

function checkRevision(text: string, watches: boolean): void {
  const problem = text === '' ? undefined : revisionProblem(text)
  if (problem === undefined) return
  const message = `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${problem}`
  throw watches ? plainError(500, message) : statusError.badRequest(`invalid resource version: ${message}`)
}
