import { gatewaySuite } from './gateway-suite.ts'
import { haproxy } from './gateways.ts'

gatewaySuite(haproxy)
