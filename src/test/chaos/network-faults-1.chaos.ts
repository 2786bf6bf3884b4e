import { testNetworkRuns } from "./network-suite.ts";

testNetworkRuns(0);
