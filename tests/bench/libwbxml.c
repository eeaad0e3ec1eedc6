/* Times libwbxml2 for `make bench`, as a process of its own: bootgate holds no unsafe code, so it does not link C.
 *
 *   libwbxml encode|encode-plain|decode FILE ROUNDS    fastest of ROUNDS batches, in nanoseconds for one conversion
 *   libwbxml encode|encode-plain|decode FILE           one conversion, to standard output
 *
 * encode is XML to WBXML as the library does it unasked, encode-plain the same without a string table, decode WBXML
 * to XML, on one line as ours. Each conversion makes and frees its converter and its result, as a program would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wbxml/wbxml.h>
#include <wbxml/wbxml_conv.h>

/* Exported by the library, and in no header that Debian installs. */
void wbxml_free(void *memory);

enum direction { ENCODE, ENCODE_PLAIN, DECODE };

static WB_UTINY *convert(enum direction direction, WB_UTINY *in, WB_ULONG in_length, WB_ULONG *out_length)
{
    WB_UTINY *out = NULL;
    WBXMLError error;

    if (direction == DECODE) {
        WBXMLConvWBXML2XML *conv = NULL;
        error = wbxml_conv_wbxml2xml_create(&conv);
        if (error == WBXML_OK) {
            wbxml_conv_wbxml2xml_set_gen_type(conv, WBXML_GEN_XML_COMPACT);
            error = wbxml_conv_wbxml2xml_run(conv, in, in_length, &out, out_length);
            wbxml_conv_wbxml2xml_destroy(conv);
        }
    } else {
        WBXMLConvXML2WBXML *conv = NULL;
        error = wbxml_conv_xml2wbxml_create(&conv);
        if (error == WBXML_OK) {
            if (direction == ENCODE_PLAIN)
                wbxml_conv_xml2wbxml_disable_string_table(conv);
            error = wbxml_conv_xml2wbxml_run(conv, in, in_length, &out, out_length);
            wbxml_conv_xml2wbxml_destroy(conv);
        }
    }
    if (error != WBXML_OK) {
        fprintf(stderr, "libwbxml: %s\n", wbxml_errors_string(error));
        exit(1);
    }
    return out;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    enum { CAPACITY = 1 << 20 };
    const double batch = 250000;
    static WB_UTINY in[CAPACITY];
    enum direction direction;
    WB_ULONG length, out_length = 0;
    FILE *file;
    long rounds, round, each, n;
    double began, took, fastest;

    if (argc < 3 || (file = fopen(argv[2], "rb")) == NULL) {
        fprintf(stderr, "usage: libwbxml encode|encode-plain|decode FILE [ROUNDS]\n");
        return 2;
    }
    length = (WB_ULONG)fread(in, 1, CAPACITY, file);
    fclose(file);
    direction = strcmp(argv[1], "decode") == 0 ? DECODE : strcmp(argv[1], "encode") == 0 ? ENCODE : ENCODE_PLAIN;

    if (argc < 4) {
        WB_UTINY *out = convert(direction, in, length, &out_length);
        fwrite(out, 1, out_length, stdout);
        wbxml_free(out);
        return 0;
    }
    rounds = strtol(argv[3], NULL, 10);
    if (rounds < 1)
        return 2;
    /* Warm, and see how many make up a batch of a quarter of a millisecond. */
    began = now();
    for (n = 0; n < 20; n++)
        wbxml_free(convert(direction, in, length, &out_length));
    fastest = (now() - began) / 20;
    each = (long)(batch / fastest) + 1;
    for (round = 0; round < rounds; round++) {
        began = now();
        for (n = 0; n < each; n++)
            wbxml_free(convert(direction, in, length, &out_length));
        took = (now() - began) / (double)each;
        if (took < fastest)
            fastest = took;
    }
    printf("%.0f\n", fastest);
    return 0;
}
