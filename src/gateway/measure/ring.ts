import { BEGAN, LINE_FORMAT } from './request-line.ts'

/** Name of the ring in HAProxy's memory that holds a line for each request until it is read. */
export const RING = 'requests'

/**
 * What a configuration has to say for that. A ring, and not a socket to which each line is sent: writing a line costs HAProxy about a microsecond, and no
 * call of the system; when nobody reads in time lines are lost and the requests go on.
 */
export const ringSection = (): readonly string[] => [`ring ${RING}`, '  format raw', '  maxlen 4096', '  size 2097152']
/** Of each frontend that takes requests. */
export const ringFrontend = (): readonly string[] => [`  log ring@${RING} local0`, `  log-format "${LINE_FORMAT}"`, BEGAN]
